test rule = "any-of-and"

graph @example(%p: bool[k:3], %q: bool[j:2, l:3]) {
  %0 = and %p, %q : bool[k:3, j:2, l:3]
  %1 = any[l] %0 : bool[k:3, j:2]
  return out = %1[k, j]
}
----
graph @example(%p: bool[k:3], %q: bool[j:2, l:3]) {
  %0 = any[l] %q : bool[j:2]
  %1 = and %p, %0 : bool[k:3, j:2]
  return out = %1[k, j]
}
