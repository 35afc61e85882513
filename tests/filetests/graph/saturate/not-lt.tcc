test rule = "not-lt"

graph @example(%a: i64[i:2, k:2], %b: i64[l:2]) {
  %0 = lt %a, %b : bool[i:2, k:2, l:2]
  %1 = not %0 : bool[i:2, k:2, l:2]
  return out = %1[i, k, l]
}
----
graph @example(%a: i64[i:2, k:2], %b: i64[l:2]) {
  %0 = le %b, %a : bool[l:2, i:2, k:2]
  return out = %0[i, k, l]
}
