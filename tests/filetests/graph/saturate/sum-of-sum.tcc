test rule = "sum-of-sum"

graph @example(%a: f64[i:3, k:2]) {
  %0 = sum[k] %a : f64[i:3]
  %1 = sum[i] %0 : f64
  return out = %1[]
}
----
graph @example(%a: f64[i:3, k:2]) {
  %0 = sum[i, k] %a : f64
  return out = %0[]
}
