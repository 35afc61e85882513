test rule = "not-eq"

graph @example(%a: f64[i:3, l:2], %b: f64[l:2]) {
  %0 = eq %a, %b : bool[i:3, l:2]
  %1 = not %0 : bool[i:3, l:2]
  return out = %1[i, l]
}
----
graph @example(%a: f64[i:3, l:2], %b: f64[l:2]) {
  %0 = ne %a, %b : bool[i:3, l:2]
  return out = %0[i, l]
}
