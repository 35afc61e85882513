test rule = "add-zero"

graph @example(%a: f64[k:3, l:3]) {
  %0 = const 0.0 : f64
  %1 = add %a, %0 : f64[k:3, l:3]
  return out = %1[k, l]
}
----
graph @example(%a: f64[k:3, l:3]) {
  return out = %a[k, l]
}
