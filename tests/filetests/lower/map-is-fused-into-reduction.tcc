test lower

graph @fused(n; %x: f32[i:n]) {
  %0 a = exp %x : f32[i:n]
  %1 y = sum[i] %0 : f32
  return y = %1[]
}
----
func @fused(n) {
  input x: f32[n]
  output y: f32
  scratch y.acc: f32
  y.acc = 0.0f32
  for i in 0..n {
    y.acc += exp(x[i])
  }
  y = y.acc
}
