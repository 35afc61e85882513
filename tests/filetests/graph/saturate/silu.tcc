test rule = "silu"

graph @example(%b: f64[i:3, l:2], %a: f64[l:2]) {
  %0 = const 1.0 : f64
  %1 = const 1.0 : f64
  %2 = exp %a : f64[l:2]
  %3 = add %1, %2 : f64[l:2]
  %4 = div %0, %3 : f64[l:2]
  %5 = mul %b, %4 : f64[i:3, l:2]
  return out = %5[i, l]
}
----
graph @example(%b: f64[i:3, l:2], %a: f64[l:2]) {
  %0 = const 1.0 : f64
  %1 = exp %a : f64[l:2]
  %2 = add %0, %1 : f64[l:2]
  %3 = div %b, %2 : f64[i:3, l:2]
  return out = %3[i, l]
}
