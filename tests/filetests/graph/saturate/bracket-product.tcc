test rule = "bracket-product"

graph @example(%p: bool[i:3, l:2], %a: f64[l:2]) {
  %0 = cast %p : f64[i:3, l:2]
  %1 = mul %0, %a : f64[i:3, l:2]
  return out = %1[i, l]
}
----
graph @example(%p: bool[i:3, l:2], %a: f64[l:2]) {
  %0 = const 0.0 : f64
  %1 = select %p, %a, %0 : f64[i:3, l:2]
  return out = %1[i, l]
}
