test rule = "or-absorbs"

graph @example(%p: bool[i:2, l:2], %q: bool[l:2]) {
  %0 = and %p, %q : bool[i:2, l:2]
  %1 = or %p, %0 : bool[i:2, l:2]
  return out = %1[i, l]
}
----
graph @example(%p: bool[i:2, l:2], %q: bool[l:2]) {
  return out = %p[i, l]
}
