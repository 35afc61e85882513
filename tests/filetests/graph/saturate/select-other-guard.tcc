test rule = "select-other-guard"

graph @example(%p: bool[i:3], %a: f32[k:2], %b: f32[i:3, k:2], %c: f32[i:3]) {
  %0 = select %p, %b, %c : f32[i:3, k:2]
  %1 = select %p, %a, %0 : f32[i:3, k:2]
  return out = %1[i, k]
}
----
graph @example(%p: bool[i:3], %a: f32[k:2], %b: f32[i:3, k:2], %c: f32[i:3]) {
  %0 = select %p, %a, %c : f32[i:3, k:2]
  return out = %0[i, k]
}
