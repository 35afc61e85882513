test rule = "or-once"

graph @example(%p: bool[i:2, k:2], %q: bool[l:2]) {
  %0 = or %p, %q : bool[i:2, k:2, l:2]
  %1 = or %p, %0 : bool[i:2, k:2, l:2]
  return out = %1[i, k, l]
}
----
graph @example(%p: bool[i:2, k:2], %q: bool[l:2]) {
  %0 = or %p, %q : bool[i:2, k:2, l:2]
  return out = %0[i, k, l]
}
