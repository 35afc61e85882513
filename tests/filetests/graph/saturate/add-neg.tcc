test rule = "add-neg"

graph @example(%a: f64[i:3, l:2], %b: f64[l:2]) {
  %0 = neg %b : f64[l:2]
  %1 = add %a, %0 : f64[i:3, l:2]
  return out = %1[i, l]
}
----
graph @example(%a: f64[i:3, l:2], %b: f64[l:2]) {
  %0 = sub %a, %b : f64[i:3, l:2]
  return out = %0[i, l]
}
