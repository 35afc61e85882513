test rule = "or-of-ands"

graph @example(%p: bool[l:3], %q: bool[i:2, l:3], %r: bool[i:2]) {
  %0 = and %p, %q : bool[l:3, i:2]
  %1 = and %p, %r : bool[l:3, i:2]
  %2 = or %0, %1 : bool[l:3, i:2]
  return out = %2[l, i]
}
----
graph @example(%p: bool[l:3], %q: bool[i:2, l:3], %r: bool[i:2]) {
  %0 = or %q, %r : bool[i:2, l:3]
  %1 = and %p, %0 : bool[l:3, i:2]
  return out = %1[l, i]
}
