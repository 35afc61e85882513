test passes = "saturate, canonicalize, dce"

graph @attention3(n, d, e; %Q: f32[i:n, l:d], %K1: f32[j:n, l:d], %K2: f32[k:n, l:d], %V1: f32[j:n, c:e], %V2: f32[k:n, c:e]) {
  %0 = mul %Q, %K1 : f32[i:n, l:d, j:n]
  %1 = mul %0, %K2 : f32[i:n, l:d, j:n, k:n]
  %2 = size d : i64
  %3 = cast %2 : f32
  %4 = div %1, %3 : f32[i:n, l:d, j:n, k:n]
  %5 S = sum[l] %4 : f32[i:n, j:n, k:n]
  %6 P = softmax[j, k] %5 : f32[i:n, j:n, k:n]
  %7 = mul %6, %V1 : f32[i:n, j:n, k:n, c:e]
  %8 = mul %7, %V2 : f32[i:n, j:n, k:n, c:e]
  %9 O = sum[j, k] %8 : f32[i:n, c:e]
  return O = %9[i, c]
}
----
graph @attention3(n, d, e; %Q: f32[i:n, l:d], %K1: f32[j:n, l:d], %K2: f32[k:n, l:d], %V1: f32[j:n, c:e], %V2: f32[k:n, c:e]) {
  %0 = mul %Q, %K1 : f32[i:n, l:d, j:n]
  %1 = mul %K2, %0 : f32[i:n, l:d, j:n, k:n]
  %2 = size d : i64
  %3 = cast %2 : f32
  %4 = div %1, %3 : f32[i:n, l:d, j:n, k:n]
  %5 S = sum[l] %4 : f32[i:n, j:n, k:n]
  %6 P = softmax[j, k] %5 : f32[i:n, j:n, k:n]
  %7 = mul %V1, %6 : f32[i:n, j:n, k:n, c:e]
  %8 = sum[j] %7 : f32[i:n, k:n, c:e]
  %9 = mul %V2, %8 : f32[i:n, k:n, c:e]
  %10 O = sum[k] %9 : f32[i:n, c:e]
  return O = %10[i, c]
}
