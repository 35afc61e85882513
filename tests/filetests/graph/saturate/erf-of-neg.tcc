test rule = "erf-of-neg"

graph @example(%a: f64[k:3, l:3]) {
  %0 = neg %a : f64[k:3, l:3]
  %1 = erf %0 : f64[k:3, l:3]
  return out = %1[k, l]
}
----
graph @example(%a: f64[k:3, l:3]) {
  %0 = erf %a : f64[k:3, l:3]
  %1 = neg %0 : f64[k:3, l:3]
  return out = %1[k, l]
}
