test rule = "max-of-shifted"

graph @example(%a: f64[i:3, j:3], %c: f64[i:3]) {
  %0 = add %a, %c : f64[i:3, j:3]
  %1 = max[j] %0 : f64[i:3]
  return out = %1[i]
}
----
graph @example(%a: f64[i:3, j:3], %c: f64[i:3]) {
  %0 = max[j] %a : f64[i:3]
  %1 = add %c, %0 : f64[i:3]
  return out = %1[i]
}
