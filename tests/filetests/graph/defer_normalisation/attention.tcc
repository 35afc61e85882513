test passes = "defer_normalisation, dce"

graph @attention(n; %S: f32[q:n, k:n], %V: f32[k:n, e:n]) {
  %0 = softmax[k] %S : f32[q:n, k:n]
  %1 = mul %V, %0 : f32[q:n, k:n, e:n]
  %2 = sum[k] %1 : f32[q:n, e:n]
  return O = %2[q, e]
}
----
graph @attention(n; %S: f32[q:n, k:n], %V: f32[k:n, e:n]) {
  %0 = max[k] %S : f32[q:n]
  %1 = const 0.0 : f32
  %2 = const -inf : f32
  %3 = eq %0, %2 : bool[q:n]
  %4 = select %3, %1, %0 : f32[q:n]
  %5 = sub %S, %4 : f32[q:n, k:n]
  %6 = exp %5 : f32[q:n, k:n]
  %7 = sum[k] %6 : f32[q:n]
  %8 = mul %6, %V : f32[q:n, k:n, e:n]
  %9 = sum[k] %8 : f32[q:n, e:n]
  %10 = const 0.0 : f32
  %11 = const 1.0 : f32
  %12 = eq %7, %10 : bool[q:n]
  %13 = select %12, %11, %7 : f32[q:n]
  %14 = div %9, %13 : f32[q:n, e:n]
  return O = %14[q, e]
}
