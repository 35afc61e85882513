test passes = "saturate, dce"

graph @softmax(n, m; %x: f32[i:n, q:m]) {
  %0 mx = max[q] %x : f32[i:n]
  %1 = sub %x, %0 : f32[i:n, q:m]
  %2 e = exp %1 : f32[i:n, q:m]
  %3 = index i : i64[i:n]
  %4 = index r : i64[r:m]
  %5 = access %2[%3, %4] : f32[i:n, r:m]
  %6 = sum[r] %5 : f32[i:n]
  %7 p = div %2, %6 : f32[i:n, q:m]
  return p = %7[i, q]
}
----
graph @softmax(n, m; %x: f32[i:n, q:m]) {
  %0 p = softmax[q] %x : f32[i:n, q:m]
  return p = %0[i, q]
}
