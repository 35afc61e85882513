test rule = "reciprocal-of-exp"

graph @example(%a: f64[k:3, l:3]) {
  %0 = const 1.0 : f64
  %1 = exp %a : f64[k:3, l:3]
  %2 = div %0, %1 : f64[k:3, l:3]
  return out = %2[k, l]
}
----
graph @example(%a: f64[k:3, l:3]) {
  %0 = neg %a : f64[k:3, l:3]
  %1 = exp %0 : f64[k:3, l:3]
  return out = %1[k, l]
}
