test rule = "all-of-or"

graph @example(%p: bool[k:3], %q: bool[j:2, l:3]) {
  %0 = or %p, %q : bool[k:3, j:2, l:3]
  %1 = all[l] %0 : bool[k:3, j:2]
  return out = %1[k, j]
}
----
graph @example(%p: bool[k:3], %q: bool[j:2, l:3]) {
  %0 = all[l] %q : bool[j:2]
  %1 = or %p, %0 : bool[k:3, j:2]
  return out = %1[k, j]
}
