test rule = "and-once"

graph @example(%p: bool[i:2, k:2], %q: bool[l:2]) {
  %0 = and %p, %q : bool[i:2, k:2, l:2]
  %1 = and %p, %0 : bool[i:2, k:2, l:2]
  return out = %1[i, k, l]
}
----
graph @example(%p: bool[i:2, k:2], %q: bool[l:2]) {
  %0 = and %p, %q : bool[i:2, k:2, l:2]
  return out = %0[i, k, l]
}
