test lower

graph @causal(n; %x: f32[j:n]) {
  %0 = index i : i64[i:n]
  %1 = index j : i64[j:n]
  %2 = le %1, %0 : bool[i:n, j:n]
  %3 = const 0.0 : f32
  %4 = select %2, %x, %3 : f32[i:n, j:n]
  %5 y = sum[j] %4 : f32[i:n]
  return y = %5[i]
}
----
func @causal(n) {
  input x: f32[n]
  output y: f32[n]
  scratch y.acc: f32
  for i in 0..n {
    y.acc = 0.0f32
    for j in 0..i + 1 {
      y.acc += x[j]
    }
    y[i] = y.acc
  }
}
