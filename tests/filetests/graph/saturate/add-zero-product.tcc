test rule = "add-zero-product"

graph @example(%a: f64[i:3, l:2], %b: f64[l:2]) {
  %0 = const 0.0 : f64
  %1 = mul %0, %b : f64[l:2]
  %2 = add %a, %1 : f64[i:3, l:2]
  return out = %2[i, l]
}
----
graph @example(%a: f64[i:3, l:2], %b: f64[l:2]) {
  return out = %a[i, l]
}
