test rule = "sqrt-squared"

graph @example(%a: f64[k:3, l:3]) {
  %0 = abs %a : f64[k:3, l:3]
  %1 = sqrt %0 : f64[k:3, l:3]
  %2 = sqrt %0 : f64[k:3, l:3]
  %3 = mul %1, %2 : f64[k:3, l:3]
  return out = %3[k, l]
}
----
graph @example(%a: f64[k:3, l:3]) {
  %0 = abs %a : f64[k:3, l:3]
  return out = %0[k, l]
}
