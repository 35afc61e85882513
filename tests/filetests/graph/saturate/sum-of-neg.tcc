test rule = "sum-of-neg"

graph @example(%a: f64[i:3]) {
  %0 = neg %a : f64[i:3]
  %1 = sum[i] %0 : f64
  return out = %1[]
}
----
graph @example(%a: f64[i:3]) {
  %0 = sum[i] %a : f64
  %1 = neg %0 : f64
  return out = %1[]
}
