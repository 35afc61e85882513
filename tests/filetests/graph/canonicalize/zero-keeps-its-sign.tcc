test passes = "canonicalize"

graph @signed(n; %x: f32[i:n]) {
  %0 = const 0.0 : f32
  %1 = add %x, %0 : f32[i:n]
  return y = %1[i]
}
----
graph @signed(n; %x: f32[i:n]) {
  %0 = const 0.0 : f32
  %1 = add %x, %0 : f32[i:n]
  return y = %1[i]
}
