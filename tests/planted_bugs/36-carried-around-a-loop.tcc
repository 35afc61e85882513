# b is read again in the next step, after c has been written.
pipeline = | reuse_buffers

func @witness() {
  input a: f32[4]
  output y: f32[4]
  scratch b: f32[4]
  scratch c: f32[4]
  for i in 0..4 {
    b[i] = a[i]
    y[i] = 0.0f32
  }
  for t in 0..3 {
    for i.1 in 0..4 {
      y[i.1] += b[i.1]
      b[i.1] = b[i.1] * 2.0f32
    }
    for i.2 in 0..4 { c[i.2] = a[i.2] + 1.0f32 }
    for i.3 in 0..4 { y[i.3] += c[i.3] }
  }
}
