test rule = "exp-of-neg-product"

graph @example(%b: f64[i:3, l:2], %a: f64[l:2]) {
  %0 = neg %a : f64[l:2]
  %1 = exp %0 : f64[l:2]
  %2 = div %b, %1 : f64[i:3, l:2]
  return out = %2[i, l]
}
----
graph @example(%b: f64[i:3, l:2], %a: f64[l:2]) {
  %0 = exp %a : f64[l:2]
  %1 = mul %b, %0 : f64[i:3, l:2]
  return out = %1[i, l]
}
