test rule = "neg-mul-neg"

graph @example(%a: f64[i:3, l:2], %b: f64[l:2]) {
  %0 = neg %a : f64[i:3, l:2]
  %1 = neg %b : f64[l:2]
  %2 = mul %0, %1 : f64[i:3, l:2]
  return out = %2[i, l]
}
----
graph @example(%a: f64[i:3, l:2], %b: f64[l:2]) {
  %0 = mul %a, %b : f64[i:3, l:2]
  return out = %0[i, l]
}
