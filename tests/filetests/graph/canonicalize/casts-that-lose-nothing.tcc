test passes = "canonicalize, dce"

graph @casts(n; %a: f32[i:n], %b: i32[i:n]) {
  %0 = cast %a : f64[i:n]
  %1 = cast %0 : f32[i:n]
  %2 = cast %b : f64[i:n]
  %3 = cast %2 : u8[i:n]
  return y = %1[i], z = %3[i]
}
----
graph @casts(n; %a: f32[i:n], %b: i32[i:n]) {
  %0 = cast %b : f64[i:n]
  %1 = cast %0 : u8[i:n]
  return y = %a[i], z = %1[i]
}
