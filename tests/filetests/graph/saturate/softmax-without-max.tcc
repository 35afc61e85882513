test rule = "softmax-without-max"

graph @example(%x: f32[l:3]) {
  %0 = exp %x : f32[l:3]
  %1 = exp %x : f32[l:3]
  %2 = sum[l] %1 : f32
  %3 = div %0, %2 : f32[l:3]
  return out = %3[l]
}
----
graph @example(%x: f32[l:3]) {
  %0 = softmax[l] %x : f32[l:3]
  return out = %0[l]
}
