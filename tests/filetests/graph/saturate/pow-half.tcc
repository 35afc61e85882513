test rule = "pow-half"

graph @example(%a: f64[k:3, l:3]) {
  %0 = const 0.5 : f64
  %1 = pow %a, %0 : f64[k:3, l:3]
  return out = %1[k, l]
}
----
graph @example(%a: f64[k:3, l:3]) {
  %0 = sqrt %a : f64[k:3, l:3]
  return out = %0[k, l]
}
