test passes = "contraction_order, dce"

graph @row_sums(; %A: f64[i:40, j:60], %B: f64[i:40, k:60], %C: f64[i:40, l:50]) {
  %0 = mul %A, %B : f64[i:40, j:60, k:60]
  %1 = mul %0, %C : f64[i:40, j:60, k:60, l:50]
  %2 O = sum[j, k, l] %1 : f64[i:40]
  return O = %2[i]
}
----
graph @row_sums(%A: f64[i:40, j:60], %B: f64[i:40, k:60], %C: f64[i:40, l:50]) {
  %0 O.X1 = sum[j] %A : f64[i:40]
  %1 O.X2 = sum[k] %B : f64[i:40]
  %2 O.X3 = sum[l] %C : f64[i:40]
  %3 = mul %1, %2 : f64[i:40]
  %4 O = mul %0, %3 : f64[i:40]
  return O = %4[i]
}
