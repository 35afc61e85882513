test rule = "any-of-not"

graph @example(%p: bool[k:2]) {
  %0 = not %p : bool[k:2]
  %1 = any[k] %0 : bool
  return out = %1[]
}
----
graph @example(%p: bool[k:2]) {
  %0 = all[k] %p : bool
  %1 = not %0 : bool
  return out = %1[]
}
