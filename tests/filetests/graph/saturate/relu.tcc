test rule = "relu"

graph @example(%a: f32[l:3]) {
  %0 = const 0.0 : f32
  %1 = lt %0, %a : bool[l:3]
  %2 = const 0.0 : f32
  %3 = select %1, %a, %2 : f32[l:3]
  return out = %3[l]
}
----
graph @example(%a: f32[l:3]) {
  %0 = const 0.0 : f32
  %1 = max %a, %0 : f32[l:3]
  return out = %1[l]
}
