test passes = "canonicalize, dce"

graph @renamed(n, m; %x: f32[i:n], %p: i64[q:m]) {
  %0 = index j : i64[j:n]
  %1 = access %x [%0] : f32[j:n]
  %2 = const 9.0 : f32
  %3 = access %1 [%p | %2] : f32[q:m]
  return y = %3[q]
}
----
graph @renamed(n, m; %x: f32[i:n], %p: i64[q:m]) {
  %0 = const 9.0 : f32
  %1 = access %x[%p | %0] : f32[q:m]
  return y = %1[q]
}
