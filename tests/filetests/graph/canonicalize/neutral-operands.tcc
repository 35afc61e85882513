test passes = "canonicalize, dce"

graph @neutral(n; %x: f32[i:n], %k: i64[i:n]) {
  %0 = const 1.0 : f32
  %1 = mul %0, %x : f32[i:n]
  %2 = const 0.0 : f32
  %3 = sub %1, %2 : f32[i:n]
  %4 = const 0 : i64
  %5 = add %4, %k : i64[i:n]
  return y = %3[i], z = %5[i]
}
----
graph @neutral(n; %x: f32[i:n], %k: i64[i:n]) {
  return y = %x[i], z = %k[i]
}
