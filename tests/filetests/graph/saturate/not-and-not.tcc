test rule = "not-and-not"

graph @example(%p: bool[i:2, k:2], %q: bool[l:2]) {
  %0 = not %p : bool[i:2, k:2]
  %1 = not %q : bool[l:2]
  %2 = and %0, %1 : bool[i:2, k:2, l:2]
  %3 = not %2 : bool[i:2, k:2, l:2]
  return out = %3[i, k, l]
}
----
graph @example(%p: bool[i:2, k:2], %q: bool[l:2]) {
  %0 = or %p, %q : bool[i:2, k:2, l:2]
  return out = %0[i, k, l]
}
