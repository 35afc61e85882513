test passes = "contraction_order, dce"

graph @causal(; %A: f64[i:50, j:50], %B: f64[j:50, k:50], %C: f64[k:50, l:50]) {
  %0 = index i : i64[i:50]
  %1 = index j : i64[j:50]
  %2 = le %1, %0 : bool[j:50, i:50]
  %3 = mul %A, %B : f64[i:50, j:50, k:50]
  %4 = mul %3, %C : f64[i:50, j:50, k:50, l:50]
  %5 = const 0.0 : f64
  %6 = select %2, %4, %5 : f64[j:50, i:50, k:50, l:50]
  %7 O = sum[j, k] %6 : f64[i:50, l:50]
  return O = %7[i, l]
}
----
graph @causal(%A: f64[i:50, j:50], %B: f64[j:50, k:50], %C: f64[k:50, l:50]) {
  %0 = index i : i64[i:50]
  %1 = index j : i64[j:50]
  %2 = le %1, %0 : bool[j:50, i:50]
  %3 = mul %A, %B : f64[i:50, j:50, k:50]
  %4 = mul %3, %C : f64[i:50, j:50, k:50, l:50]
  %5 = const 0.0 : f64
  %6 = select %2, %4, %5 : f64[j:50, i:50, k:50, l:50]
  %7 O = sum[j, k] %6 : f64[i:50, l:50]
  return O = %7[i, l]
}
