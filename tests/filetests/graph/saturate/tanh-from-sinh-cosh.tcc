test rule = "tanh-from-sinh-cosh"

graph @example(%a: f64[k:3, l:3]) {
  %0 = sinh %a : f64[k:3, l:3]
  %1 = cosh %a : f64[k:3, l:3]
  %2 = div %0, %1 : f64[k:3, l:3]
  return out = %2[k, l]
}
----
graph @example(%a: f64[k:3, l:3]) {
  %0 = tanh %a : f64[k:3, l:3]
  return out = %0[k, l]
}
