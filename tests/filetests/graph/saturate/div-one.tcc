test rule = "div-one"

graph @example(%a: f64[k:3, l:3]) {
  %0 = const 1.0 : f64
  %1 = div %a, %0 : f64[k:3, l:3]
  return out = %1[k, l]
}
----
graph @example(%a: f64[k:3, l:3]) {
  return out = %a[k, l]
}
