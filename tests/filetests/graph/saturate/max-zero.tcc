test rule = "max-zero"

graph @example(%a: f64[k:3, l:3]) {
  %0 = abs %a : f64[k:3, l:3]
  %1 = const 0.0 : f64
  %2 = max %0, %1 : f64[k:3, l:3]
  return out = %2[k, l]
}
----
graph @example(%a: f64[k:3, l:3]) {
  %0 = abs %a : f64[k:3, l:3]
  return out = %0[k, l]
}
