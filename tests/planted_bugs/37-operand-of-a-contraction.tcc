# Only the contraction reads b, while it writes c.
pipeline = | reuse_buffers

func @witness() {
  input a: f32[4, 4]
  output y: f32[4, 4]
  scratch b: f32[4, 4]
  scratch c: f32[4, 4]
  for i in 0..4 { for j in 0..4 { b[i, j] = a[i, j] + 1.0f32 } }
  contract i.1 in 0..4, j.1 in 0..4, k in 0..4: c[i.1, j.1] = b[i.1, k] * a[k, j.1]
  for i.2 in 0..4 { for j.2 in 0..4 { y[i.2, j.2] = c[i.2, j.2] } }
}
