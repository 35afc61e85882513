test passes = "contraction_order, dce"

graph @scaled(; %s: f64, %A: f64[i:40, k:60], %B: f64[k:60, l:50], %u: f64[l:50, j:40], %d: f64[i:40]) {
  %0 = mul %A, %B : f64[i:40, k:60, l:50]
  %1 = mul %0, %u : f64[i:40, k:60, l:50, j:40]
  %2 = div %1, %d : f64[i:40, k:60, l:50, j:40]
  %3 = mul %2, %s : f64[i:40, k:60, l:50, j:40]
  %4 = neg %3 : f64[i:40, k:60, l:50, j:40]
  %5 O = sum[k, l] %4 : f64[i:40, j:40]
  return O = %5[i, j]
}
----
graph @scaled(%s: f64, %A: f64[i:40, k:60], %B: f64[k:60, l:50], %u: f64[l:50, j:40], %d: f64[i:40]) {
  %0 = mul %B, %A : f64[k:60, l:50, i:40]
  %1 O.X1 = sum[k] %0 : f64[l:50, i:40]
  %2 = mul %1, %u : f64[l:50, i:40, j:40]
  %3 O.X2 = sum[l] %2 : f64[i:40, j:40]
  %4 = mul %3, %s : f64[i:40, j:40]
  %5 = div %4, %d : f64[i:40, j:40]
  %6 O = neg %5 : f64[i:40, j:40]
  return O = %6[i, j]
}
