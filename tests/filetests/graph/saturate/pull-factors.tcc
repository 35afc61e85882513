test rule = "pull-factors"

graph @example(%a: f64[k:3, l:2], %b: f64[j:2, k:3]) {
  %0 = mul %a, %b : f64[k:3, l:2, j:2]
  %1 = sum[k, l] %0 : f64[j:2]
  return out = %1[j]
}
----
graph @example(%a: f64[k:3, l:2], %b: f64[j:2, k:3]) {
  %0 = sum[l] %a : f64[k:3]
  %1 = mul %b, %0 : f64[j:2, k:3]
  %2 = sum[k] %1 : f64[j:2]
  return out = %2[j]
}
