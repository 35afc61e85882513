test rule = "split-guard"

graph @example(%p: bool[i:3], %q: bool[k:2], %a: f32[i:3, k:2], %b: f32[i:3]) {
  %0 = and %p, %q : bool[i:3, k:2]
  %1 = select %0, %a, %b : f32[i:3, k:2]
  return out = %1[i, k]
}
----
graph @example(%p: bool[i:3], %q: bool[k:2], %a: f32[i:3, k:2], %b: f32[i:3]) {
  %0 = select %q, %a, %b : f32[k:2, i:3]
  %1 = select %p, %0, %b : f32[i:3, k:2]
  return out = %1[i, k]
}
