test passes = "reuse_buffers, fuse"

func @plan() {
  input X: f32[20]
  output Y: f32[20]
  output Z: f32[20]
  scratch a: f32[20]
  scratch b: f32[20]
  for i in 0..20 {
    a[i] = X[i] * 2.0f32
  }
  for i.1 in 0..20 {
    Y[i.1] = a[19 - i.1]
  }
  for i.2 in 0..20 {
    b[i.2] = Y[i.2] * 3.0f32
  }
  for i.3 in 0..20 {
    Z[i.3] = b[19 - i.3]
  }
}
----
func @plan() {
  input X: f32[20]
  output Y: f32[20]
  output Z: f32[20]
  scratch a: f32[20]
  scratch b: f32[20]
  for i in 0..20 {
    a[i] = X[i] * 2.0f32
  }
  for i.1 in 0..20 {
    Y[i.1] = a[19 - i.1]
    b[i.1] = Y[i.1] * 3.0f32
  }
  for i.3 in 0..20 {
    Z[i.3] = b[19 - i.3]
  }
}
