test passes = "contraction_order, dce"
contract = strict

graph @triangles(n; %A: i64[i:n, j:n], %B: i64[j:n, k:n], %C: i64[k:n, i:n]) {
  %0 = mul %A, %B : i64[i:n, j:n, k:n]
  %1 = mul %0, %C : i64[i:n, j:n, k:n]
  %2 t = sum[j, k] %1 : i64[i:n]
  return t = %2[i]
}
----
graph @triangles(n; %A: i64[i:n, j:n], %B: i64[j:n, k:n], %C: i64[k:n, i:n]) {
  %0 = mul %C, %B : i64[k:n, i:n, j:n]
  %1 t.X1 = sum[k] %0 : i64[i:n, j:n]
  %2 = mul %A, %1 : i64[i:n, j:n]
  %3 t = sum[j] %2 : i64[i:n]
  return t = %3[i]
}
