test rule = "rename-reduced"

graph @twice(n, m; %A: f64[i:n, k:m], %B: f64[k:m, j:n]) {
  %0 = index i : i64[i:n]
  %1 = index l : i64[l:m]
  %2 = index j : i64[j:n]
  %3 = access %A[%0, %1] : f64[i:n, l:m]
  %4 = access %B[%1, %2] : f64[l:m, j:n]
  %5 = mul %3, %4 : f64[i:n, l:m, j:n]
  %6 = sum[l] %5 : f64[i:n, j:n]
  return out = %6[i, j]
}
----
graph @twice(n, m; %A: f64[i:n, k:m], %B: f64[k:m, j:n]) {
  %0 = mul %A, %B : f64[i:n, k:m, j:n]
  %1 = sum[k] %0 : f64[i:n, j:n]
  return out = %1[i, j]
}
