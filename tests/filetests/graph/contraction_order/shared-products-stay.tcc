test passes = "contraction_order, dce"

graph @shared(; %A: f64[i:50, k:60], %B: f64[k:60, l:50], %C: f64[l:50, j:40]) {
  %0 = mul %B, %C : f64[k:60, l:50, j:40]
  %1 P = sum[l] %0 : f64[k:60, j:40]
  %2 = mul %A, %1 : f64[i:50, k:60, j:40]
  %3 O = sum[k] %2 : f64[i:50, j:40]
  return P = %1[k, j], O = %3[i, j]
}
----
graph @shared(%A: f64[i:50, k:60], %B: f64[k:60, l:50], %C: f64[l:50, j:40]) {
  %0 = mul %B, %C : f64[k:60, l:50, j:40]
  %1 P = sum[l] %0 : f64[k:60, j:40]
  %2 = mul %A, %1 : f64[i:50, k:60, j:40]
  %3 O = sum[k] %2 : f64[i:50, j:40]
  return P = %1[k, j], O = %3[i, j]
}
