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
  %6 = min %5, %1 : f32[q:n, k:n]
  %7 = exp %6 : f32[q:n, k:n]
  %8 = sum[k] %7 : f32[q:n]
  %9 = mul %7, %V : f32[q:n, k:n, e:n]
  %10 = sum[k] %9 : f32[q:n, e:n]
  %11 = const 0.0 : f32
  %12 = const 1.0 : f32
  %13 = eq %8, %11 : bool[q:n]
  %14 = select %13, %12, %8 : f32[q:n]
  %15 = div %12, %14 : f32[q:n]
  %16 = mul %10, %15 : f32[q:n, e:n]
  return O = %16[q, e]
}
