test rule = "max-of-max"

graph @example(%a: f64[i:3, k:2]) {
  %0 = max[k] %a : f64[i:3]
  %1 = max[i] %0 : f64
  return out = %1[]
}
----
graph @example(%a: f64[i:3, k:2]) {
  %0 = max[i, k] %a : f64
  return out = %0[]
}
