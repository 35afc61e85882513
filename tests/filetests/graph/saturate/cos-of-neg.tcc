test rule = "cos-of-neg"

graph @example(%a: f64[k:3, l:3]) {
  %0 = neg %a : f64[k:3, l:3]
  %1 = cos %0 : f64[k:3, l:3]
  return out = %1[k, l]
}
----
graph @example(%a: f64[k:3, l:3]) {
  %0 = cos %a : f64[k:3, l:3]
  return out = %0[k, l]
}
