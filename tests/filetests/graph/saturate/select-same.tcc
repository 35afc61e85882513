test rule = "select-same"

graph @example(%p: bool[i:3, k:3], %a: c128[i:3, j:2, k:3]) {
  %0 = select %p, %a, %a : c128[i:3, k:3, j:2]
  return out = %0[i, k, j]
}
----
graph @example(%p: bool[i:3, k:3], %a: c128[i:3, j:2, k:3]) {
  return out = %a[i, k, j]
}
