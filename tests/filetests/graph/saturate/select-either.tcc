test rule = "select-either"

graph @example(%p: bool[i:3], %a: f32[k:2], %q: bool[i:3, k:2], %b: f32[i:3]) {
  %0 = select %q, %a, %b : f32[i:3, k:2]
  %1 = select %p, %a, %0 : f32[i:3, k:2]
  return out = %1[i, k]
}
----
graph @example(%p: bool[i:3], %a: f32[k:2], %q: bool[i:3, k:2], %b: f32[i:3]) {
  %0 = or %q, %p : bool[i:3, k:2]
  %1 = select %0, %a, %b : f32[i:3, k:2]
  return out = %1[i, k]
}
