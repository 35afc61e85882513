test rule = "zero-sub"

graph @example(%a: f64[k:3, l:3]) {
  %0 = const 0.0 : f64
  %1 = sub %0, %a : f64[k:3, l:3]
  return out = %1[k, l]
}
----
graph @example(%a: f64[k:3, l:3]) {
  %0 = neg %a : f64[k:3, l:3]
  return out = %0[k, l]
}
