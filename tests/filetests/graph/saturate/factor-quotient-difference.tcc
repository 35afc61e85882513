test rule = "factor-quotient-difference"

graph @example(%a: f64[l:3], %c: f64[j:3, k:3], %b: f64[k:3]) {
  %0 = div %a, %c : f64[l:3, j:3, k:3]
  %1 = div %b, %c : f64[k:3, j:3]
  %2 = sub %0, %1 : f64[l:3, j:3, k:3]
  return out = %2[l, j, k]
}
----
graph @example(%a: f64[l:3], %c: f64[j:3, k:3], %b: f64[k:3]) {
  %0 = sub %a, %b : f64[l:3, k:3]
  %1 = div %0, %c : f64[l:3, k:3, j:3]
  return out = %1[l, j, k]
}
