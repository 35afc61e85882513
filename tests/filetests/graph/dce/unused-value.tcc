test passes = "dce"

graph @unused(; %a: f32[i:4]) {
  %0 = exp %a : f32[i:4]
  %1 = sin %a : f32[i:4]
  return y = %0[i]
}
----
graph @unused(%a: f32[i:4]) {
  %0 = exp %a : f32[i:4]
  return y = %0[i]
}
