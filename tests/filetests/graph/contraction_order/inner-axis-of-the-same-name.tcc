test passes = "contraction_order, dce"

graph @two_axes(; %A: f64[i:50, k:60], %B: f64[k:60, l:50], %C: f64[l:50, j:40]) {
  %0 = mul %A, %B : f64[i:50, k:60, l:50]
  %1 P = sum[k] %0 : f64[i:50, l:50]
  %2 = mul %1, %C : f64[i:50, l:50, j:40]
  %3 = mul %2, %B : f64[i:50, l:50, j:40, k:60]
  %4 O = sum[l, k] %3 : f64[i:50, j:40]
  return O = %4[i, j]
}
----
graph @two_axes(%A: f64[i:50, k:60], %B: f64[k:60, l:50], %C: f64[l:50, j:40]) {
  %0 = mul %A, %B : f64[i:50, k:60, l:50]
  %1 P = sum[k] %0 : f64[i:50, l:50]
  %2 O.X1 = sum[k] %B : f64[l:50]
  %3 = mul %2, %C : f64[l:50, j:40]
  %4 = mul %3, %1 : f64[l:50, j:40, i:50]
  %5 O = sum[l] %4 : f64[i:50, j:40]
  return O = %5[i, j]
}
