test rule = "max-of-lowered"

graph @example(%a: f64[i:3, j:3], %c: f64[i:3]) {
  %0 = sub %a, %c : f64[i:3, j:3]
  %1 = max[j] %0 : f64[i:3]
  return out = %1[i]
}
----
graph @example(%a: f64[i:3, j:3], %c: f64[i:3]) {
  %0 = max[j] %a : f64[i:3]
  %1 = sub %0, %c : f64[i:3]
  return out = %1[i]
}
