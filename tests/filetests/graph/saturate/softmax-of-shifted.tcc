test rule = "softmax-of-shifted"

graph @example(%x: f64[i:3]) {
  %0 = max[i] %x : f64
  %1 = sub %x, %0 : f64[i:3]
  %2 = softmax[i] %1 : f64[i:3]
  return out = %2[i]
}
----
graph @example(%x: f64[i:3]) {
  %0 = softmax[i] %x : f64[i:3]
  return out = %0[i]
}
