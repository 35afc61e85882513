# Every element is divided by the whole sum.
pipeline = | fuse

func @witness() {
  input a: f32[4]
  output y: f32[4]
  scratch s: f32
  s = 0.0f32
  for i in 0..4 { s += a[i] }
  for j in 0..4 { y[j] = a[j] * s }
}
