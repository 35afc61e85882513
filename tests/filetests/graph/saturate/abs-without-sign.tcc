test rule = "abs-without-sign"

graph @example(%a: f64[k:3, l:3]) {
  %0 = abs %a : f64[k:3, l:3]
  %1 = abs %0 : f64[k:3, l:3]
  return out = %1[k, l]
}
----
graph @example(%a: f64[k:3, l:3]) {
  %0 = abs %a : f64[k:3, l:3]
  return out = %0[k, l]
}
