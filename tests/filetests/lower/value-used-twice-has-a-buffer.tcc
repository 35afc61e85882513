test lower

graph @normalise(n; %x: f32[i:n]) {
  %0 a = exp %x : f32[i:n]
  %1 = index j : i64[j:n]
  %2 = access %0[%1] : f32[j:n]
  %3 = sum[j] %2 : f32
  %4 y = div %0, %3 : f32[i:n]
  return y = %4[i]
}
----
func @normalise(n) {
  input x: f32[n]
  output y: f32[n]
  scratch a: f32[n]
  scratch sum: f32
  scratch sum.acc: f32
  for i in 0..n {
    a[i] = exp(x[i])
  }
  sum.acc = 0.0f32
  for j in 0..n {
    sum.acc += a[j]
  }
  sum = sum.acc
  for i.1 in 0..n {
    y[i.1] = a[i.1] / sum
  }
}
