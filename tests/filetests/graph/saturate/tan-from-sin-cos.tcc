test rule = "tan-from-sin-cos"

graph @example(%a: f64[k:3, l:3]) {
  %0 = sin %a : f64[k:3, l:3]
  %1 = cos %a : f64[k:3, l:3]
  %2 = div %0, %1 : f64[k:3, l:3]
  return out = %2[k, l]
}
----
graph @example(%a: f64[k:3, l:3]) {
  %0 = tan %a : f64[k:3, l:3]
  return out = %0[k, l]
}
