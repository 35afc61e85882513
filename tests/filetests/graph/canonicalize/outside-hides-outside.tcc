test passes = "canonicalize, dce"

graph @padded(n; %x: f32[i:n]) {
  %0 = index j : i64[j:n]
  %1 = const 1 : i64
  %2 = sub %0, %1 : i64[j:n]
  %3 = const 5.0 : f32
  %4 = access %x [%2 | %3] : f32[j:n]
  %5 = index k : i64[k:n]
  %6 = add %5, %1 : i64[k:n]
  %7 = const 6.0 : f32
  %8 = access %4 [%6 | %7] : f32[k:n]
  return y = %8[k]
}
----
graph @padded(n; %x: f32[i:n]) {
  %0 = index j : i64[j:n]
  %1 = const 1 : i64
  %2 = sub %0, %1 : i64[j:n]
  %3 = const 5.0 : f32
  %4 = access %x[%2 | %3] : f32[j:n]
  %5 = index k : i64[k:n]
  %6 = add %5, %1 : i64[k:n]
  %7 = const 6.0 : f32
  %8 = access %4[%6 | %7] : f32[k:n]
  return y = %8[k]
}
