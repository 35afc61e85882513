test rule = "min-of-min"

graph @example(%a: f64[i:3, k:2]) {
  %0 = min[k] %a : f64[i:3]
  %1 = min[i] %0 : f64
  return out = %1[]
}
----
graph @example(%a: f64[i:3, k:2]) {
  %0 = min[i, k] %a : f64
  return out = %0[]
}
