test passes = "reuse_buffers"

func @chain() {
  input X: f32[20]
  output Y: f32[20]
  scratch a: f32[20]
  scratch b: f32[20]
  scratch c: f32[20]
  for i in 0..20 {
    a[i] = X[i] * 2.0f32
  }
  for i.1 in 0..20 {
    b[i.1] = a[19 - i.1]
  }
  for i.2 in 0..20 {
    c[i.2] = b[19 - i.2]
  }
  for i.3 in 0..20 {
    Y[i.3] = c[19 - i.3]
  }
}
----
func @chain() {
  input X: f32[20]
  output Y: f32[20]
  scratch a: f32[20] at 0
  scratch b: f32[20] at 128
  scratch c: f32[20] at 0
  arena 256
  for i in 0..20 {
    a[i] = X[i] * 2.0f32
  }
  for i.1 in 0..20 {
    b[i.1] = a[19 - i.1]
  }
  for i.2 in 0..20 {
    c[i.2] = b[19 - i.2]
  }
  for i.3 in 0..20 {
    Y[i.3] = c[19 - i.3]
  }
}
