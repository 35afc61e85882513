test passes = "canonicalize, dce"

graph @shift(n; %x: f32[i:n]) {
  %0 = index j : i64[j:n]
  %1 = const 1 : i64
  %2 = sub %0, %1 : i64[j:n]
  %3 = const 5.0 : f32
  %4 = access %x [%2 | %3] : f32[j:n]
  %5 = index k : i64[k:n]
  %6 = access %4 [%5] : f32[k:n]
  return y = %6[k]
}
----
graph @shift(n; %x: f32[i:n]) {
  %0 = const 1 : i64
  %1 = const 5.0 : f32
  %2 = index k : i64[k:n]
  %3 = sub %2, %0 : i64[k:n]
  %4 = access %x[%3 | %1] : f32[k:n]
  return y = %4[k]
}
