test rule = "neg-of-smaller"

graph @example(%a: f64[i:3, k:3, l:2], %b: f64[l:2]) {
  %0 = neg %a : f64[i:3, k:3, l:2]
  %1 = mul %0, %b : f64[i:3, k:3, l:2]
  return out = %1[i, k, l]
}
----
graph @example(%a: f64[i:3, k:3, l:2], %b: f64[l:2]) {
  %0 = neg %b : f64[l:2]
  %1 = mul %a, %0 : f64[i:3, k:3, l:2]
  return out = %1[i, k, l]
}
