test rule = "reciprocal-of-smaller"
contract = fast

graph @example(%a: f64[i:3, k:3, l:2], %c: f64[l:2]) {
  %0 = div %a, %c : f64[i:3, k:3, l:2]
  return out = %0[i, k, l]
}
----
graph @example(%a: f64[i:3, k:3, l:2], %c: f64[l:2]) {
  %0 = const 1.0 : f64
  %1 = div %0, %c : f64[l:2]
  %2 = mul %a, %1 : f64[i:3, k:3, l:2]
  return out = %2[i, k, l]
}
