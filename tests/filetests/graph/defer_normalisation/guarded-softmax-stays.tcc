test passes = "defer_normalisation, dce"

graph @causal(n; %S: f32[q:n, k:n], %V: f32[k:n]) {
  %0 = index q : i64[q:n]
  %1 = index k : i64[k:n]
  %2 = le %1, %0 : bool[q:n, k:n]
  %3 = const -inf : f32
  %4 = select %2, %S, %3 : f32[q:n, k:n]
  %5 = softmax[k] %4 : f32[q:n, k:n]
  %6 = mul %V, %5 : f32[q:n, k:n]
  %7 = sum[k] %6 : f32[q:n]
  return O = %7[q]
}
----
graph @causal(n; %S: f32[q:n, k:n], %V: f32[k:n]) {
  %0 = index q : i64[q:n]
  %1 = index k : i64[k:n]
  %2 = le %1, %0 : bool[q:n, k:n]
  %3 = const -inf : f32
  %4 = select %2, %S, %3 : f32[q:n, k:n]
  %5 = softmax[k] %4 : f32[q:n, k:n]
  %6 = mul %V, %5 : f32[q:n, k:n]
  %7 = sum[k] %6 : f32[q:n]
  return O = %7[q]
}
