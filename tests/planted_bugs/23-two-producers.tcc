# One operand is read straight, the other backwards.
pipeline = | fuse

func @witness() {
  input a: f32[4]
  output y: f32[4]
  scratch b: f32[4]
  scratch c: f32[4]
  for i in 0..4 {
    b[i] = a[i] + 1.0f32
    c[i] = a[i] * 2.0f32
  }
  for j in 0..4 { y[j] = b[j] + c[3 - j] }
}
