test rule = "softmax-by-reciprocal"

graph @example(%x: f64[l:3]) {
  %0 = max[l] %x : f64
  %1 = sub %x, %0 : f64[l:3]
  %2 = exp %1 : f64[l:3]
  %3 = const 1.0 : f64
  %4 = max[l] %x : f64
  %5 = sub %x, %4 : f64[l:3]
  %6 = exp %5 : f64[l:3]
  %7 = sum[l] %6 : f64
  %8 = div %3, %7 : f64
  %9 = mul %2, %8 : f64[l:3]
  return out = %9[l]
}
----
graph @example(%x: f64[l:3]) {
  %0 = softmax[l] %x : f64[l:3]
  return out = %0[l]
}
