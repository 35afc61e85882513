test rule = "mul-self-abs"

graph @example(%a: f32[l:3]) {
  %0 = abs %a : f32[l:3]
  %1 = abs %a : f32[l:3]
  %2 = mul %0, %1 : f32[l:3]
  return out = %2[l]
}
----
graph @example(%a: f32[l:3]) {
  %0 = mul %a, %a : f32[l:3]
  return out = %0[l]
}
