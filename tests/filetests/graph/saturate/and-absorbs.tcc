test rule = "and-absorbs"

graph @example(%p: bool[i:2, l:2], %q: bool[l:2]) {
  %0 = or %p, %q : bool[i:2, l:2]
  %1 = and %p, %0 : bool[i:2, l:2]
  return out = %1[i, l]
}
----
graph @example(%p: bool[i:2, l:2], %q: bool[l:2]) {
  return out = %p[i, l]
}
