test rule = "neg-sub"

graph @example(%a: f64[i:3, l:2], %b: f64[l:2]) {
  %0 = sub %a, %b : f64[i:3, l:2]
  %1 = neg %0 : f64[i:3, l:2]
  return out = %1[i, l]
}
----
graph @example(%a: f64[i:3, l:2], %b: f64[l:2]) {
  %0 = sub %b, %a : f64[l:2, i:3]
  return out = %0[i, l]
}
