test rule = "log-of-reciprocal"

graph @example(%a: f64[k:3, l:3]) {
  %0 = const 1.0 : f64
  %1 = div %0, %a : f64[k:3, l:3]
  %2 = log %1 : f64[k:3, l:3]
  return out = %2[k, l]
}
----
graph @example(%a: f64[k:3, l:3]) {
  %0 = log %a : f64[k:3, l:3]
  %1 = neg %0 : f64[k:3, l:3]
  return out = %1[k, l]
}
