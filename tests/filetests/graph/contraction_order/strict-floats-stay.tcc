test passes = "contraction_order, dce"
contract = strict

graph @chain(; %A: f64[i:40, j:60], %B: f64[j:60, k:2], %C: f64[k:2, l:60]) {
  %0 = mul %A, %B : f64[i:40, j:60, k:2]
  %1 = mul %0, %C : f64[i:40, j:60, k:2, l:60]
  %2 O = sum[j, k] %1 : f64[i:40, l:60]
  return O = %2[i, l]
}
----
graph @chain(%A: f64[i:40, j:60], %B: f64[j:60, k:2], %C: f64[k:2, l:60]) {
  %0 = mul %A, %B : f64[i:40, j:60, k:2]
  %1 = mul %0, %C : f64[i:40, j:60, k:2, l:60]
  %2 O = sum[j, k] %1 : f64[i:40, l:60]
  return O = %2[i, l]
}
