test lower

graph @softmax(n; %x: f32[i:n]) {
  %0 y = softmax[i] %x : f32[i:n]
  return y = %0[i]
}
----
func @softmax(n) {
  input x: f32[n]
  output y: f32[n]
  scratch y.max: f32
  scratch y.sum: f32
  y.max = -inf_f32
  for i in 0..n {
    y.max max= x[i]
  }
  let y.shift: f32 = select(y.max == -inf_f32, 0.0f32, y.max)
  y.sum = 0.0f32
  for i.1 in 0..n {
    let y.e: f32 = exp(min(x[i.1] - y.shift, 0.0f32))
    y[i.1] = y.e
    y.sum += y.e
  }
  let y.inverse: f32 = 1.0f32 / select(y.sum == 0.0f32, 1.0f32, y.sum)
  for i.2 in 0..n {
    y[i.2] = y[i.2] * y.inverse
  }
}
