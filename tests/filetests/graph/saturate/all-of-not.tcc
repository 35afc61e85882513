test rule = "all-of-not"

graph @example(%p: bool[k:2]) {
  %0 = not %p : bool[k:2]
  %1 = all[k] %0 : bool
  return out = %1[]
}
----
graph @example(%p: bool[k:2]) {
  %0 = any[k] %p : bool
  %1 = not %0 : bool
  return out = %1[]
}
