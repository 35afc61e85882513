test rule = "div-by-sqrt"

graph @example(%a: f64[k:3, l:3] in [0.5, 2.0]) {
  %0 = sqrt %a : f64[k:3, l:3]
  %1 = div %a, %0 : f64[k:3, l:3]
  return out = %1[k, l]
}
----
graph @example(%a: f64[k:3, l:3] in [0.5, 2.0]) {
  %0 = sqrt %a : f64[k:3, l:3]
  return out = %0[k, l]
}
