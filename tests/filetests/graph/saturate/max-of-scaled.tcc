test rule = "max-of-scaled"

graph @example(%a: f64[k:3, l:2], %c: f64[j:2]) {
  %0 = abs %c : f64[j:2]
  %1 = mul %a, %0 : f64[k:3, l:2, j:2]
  %2 = max[k, l] %1 : f64[j:2]
  return out = %2[j]
}
----
graph @example(%a: f64[k:3, l:2], %c: f64[j:2]) {
  %0 = abs %c : f64[j:2]
  %1 = max[k, l] %a : f64
  %2 = mul %0, %1 : f64[j:2]
  return out = %2[j]
}
