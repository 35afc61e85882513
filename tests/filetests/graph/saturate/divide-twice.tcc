test rule = "divide-twice"

graph @example(%a: f64[k:3, l:3], %b: f64[k:3, l:3]) {
  %0 = const 1.0 : f64
  %1 = div %0, %a : f64[k:3, l:3]
  %2 = div %1, %b : f64[k:3, l:3]
  return out = %2[k, l]
}
----
graph @example(%a: f64[k:3, l:3], %b: f64[k:3, l:3]) {
  %0 = const 1.0 : f64
  %1 = mul %a, %b : f64[k:3, l:3]
  %2 = div %0, %1 : f64[k:3, l:3]
  return out = %2[k, l]
}
