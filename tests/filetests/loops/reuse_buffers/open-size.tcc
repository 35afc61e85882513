test passes = "reuse_buffers"

func @open(n) {
  input X: f32[n]
  output Y: f32[n]
  scratch a: f32[n]
  scratch r: f32
  for i in 0..n {
    a[i] = X[i] * 2.0f32
  }
  for i.1 in 0..n {
    r = a[n - 1 - i.1]
    Y[i.1] = r * r
  }
}
----
func @open(n) {
  input X: f32[n]
  output Y: f32[n]
  scratch a: f32[n] at 0
  scratch r: f32
  arena 64*((4*n + 63) div 64)
  for i in 0..n {
    a[i] = X[i] * 2.0f32
  }
  for i.1 in 0..n {
    r = a[n - 1 - i.1]
    Y[i.1] = r * r
  }
}
