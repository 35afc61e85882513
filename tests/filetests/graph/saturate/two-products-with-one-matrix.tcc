test passes = "saturate, canonicalize, dce"

graph @shared(n, m, p; %A: f32[i:n, k:m], %B: f32[i:n, l:m], %W: f32[k:m, j:p]) {
  %0 = mul %A, %W : f32[i:n, k:m, j:p]
  %1 = sum[k] %0 : f32[i:n, j:p]
  %2 = index l : i64[l:m]
  %3 = index j : i64[j:p]
  %4 = access %W[%2, %3] : f32[l:m, j:p]
  %5 = mul %B, %4 : f32[i:n, l:m, j:p]
  %6 = sum[l] %5 : f32[i:n, j:p]
  %7 y = add %1, %6 : f32[i:n, j:p]
  return y = %7[i, j]
}
----
graph @shared(n, m, p; %A: f32[i:n, k:m], %B: f32[i:n, l:m], %W: f32[k:m, j:p]) {
  %0 = index i : i64[i:n]
  %1 = index k : i64[k:m]
  %2 = access %B[%0, %1] : f32[i:n, k:m]
  %3 = add %A, %2 : f32[i:n, k:m]
  %4 = mul %W, %3 : f32[i:n, k:m, j:p]
  %5 y = sum[k] %4 : f32[i:n, j:p]
  return y = %5[i, j]
}
