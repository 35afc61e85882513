test passes = "contraction_order, dce"

graph @nested(; %A: f64[i:2, k:60], %B: f64[k:60, l:50], %C: f64[l:50, j:40]) {
  %0 = mul %B, %C : f64[k:60, l:50, j:40]
  %1 P = sum[l] %0 : f64[k:60, j:40]
  %2 = mul %A, %1 : f64[i:2, k:60, j:40]
  %3 O = sum[k] %2 : f64[i:2, j:40]
  return O = %3[i, j]
}
----
graph @nested(%A: f64[i:2, k:60], %B: f64[k:60, l:50], %C: f64[l:50, j:40]) {
  %0 = mul %B, %A : f64[k:60, l:50, i:2]
  %1 O.X1 = sum[k] %0 : f64[l:50, i:2]
  %2 = mul %1, %C : f64[l:50, i:2, j:40]
  %3 O = sum[l] %2 : f64[i:2, j:40]
  return O = %3[i, j]
}
