test rule = "softmax"

graph @example(%x: f64[l:3]) {
  %0 = max[l] %x : f64
  %1 = sub %x, %0 : f64[l:3]
  %2 = exp %1 : f64[l:3]
  %3 = max[l] %x : f64
  %4 = sub %x, %3 : f64[l:3]
  %5 = exp %4 : f64[l:3]
  %6 = sum[l] %5 : f64
  %7 = div %2, %6 : f64[l:3]
  return out = %7[l]
}
----
graph @example(%x: f64[l:3]) {
  %0 = softmax[l] %x : f64[l:3]
  return out = %0[l]
}
