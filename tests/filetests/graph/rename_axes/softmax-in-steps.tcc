test passes = "rename_axes, dce"

graph @softmax_in_steps(n; %A: f32[q:n, d:8], %B: f32[k:n, d:8], %V: f32[k:n, e:4]) {
  %0 = mul %A, %B : f32[q:n, d:8, k:n]
  %1 = sum[d] %0 : f32[q:n, k:n]
  %2 = index i : i64[i:n]
  %3 = index j : i64[j:n]
  %4 s = access %1[%2, %3] : f32[i:n, j:n]
  %5 = max[j] %4 : f32[i:n]
  %6 = sub %4, %5 : f32[i:n, j:n]
  %7 = exp %6 : f32[i:n, j:n]
  %8 = sum[j] %7 : f32[i:n]
  %9 = div %7, %8 : f32[i:n, j:n]
  %10 = index q : i64[q:n]
  %11 = index k : i64[k:n]
  %12 = access %9[%10, %11] : f32[q:n, k:n]
  %13 = mul %12, %V : f32[q:n, k:n, e:4]
  %14 = sum[k] %13 : f32[q:n, e:4]
  return O = %14[q, e]
}
----
graph @softmax_in_steps(n; %A: f32[q:n, d:8], %B: f32[k:n, d:8], %V: f32[k:n, e:4]) {
  %0 = mul %A, %B : f32[q:n, d:8, k:n]
  %1 = sum[d] %0 : f32[q:n, k:n]
  %2 = max[k] %1 : f32[q:n]
  %3 = sub %1, %2 : f32[q:n, k:n]
  %4 = exp %3 : f32[q:n, k:n]
  %5 = sum[k] %4 : f32[q:n]
  %6 = div %4, %5 : f32[q:n, k:n]
  %7 = mul %6, %V : f32[q:n, k:n, e:4]
  %8 = sum[k] %7 : f32[q:n, e:4]
  return O = %8[q, e]
}
