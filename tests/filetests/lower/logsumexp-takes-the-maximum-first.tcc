test lower

graph @logsumexp(n; %x: f32[i:n]) {
  %0 y = logsumexp[i] %x : f32
  return y = %0[]
}
----
func @logsumexp(n) {
  input x: f32[n]
  output y: f32
  scratch y.max: f32
  scratch y.sum: f32
  y.max = -inf_f32
  for i in 0..n {
    y.max max= x[i]
  }
  let y.shift: f32 = select(y.max == -inf_f32, 0.0f32, y.max)
  y.sum = 0.0f32
  for i.1 in 0..n {
    y.sum += exp(min(x[i.1] - y.shift, 0.0f32))
  }
  y = y.shift + log(y.sum)
}
