# b has more than 2^32 bytes.
pipeline = | reuse_buffers
evaluate = no

func @witness() {
  input a: f32[65537]
  output y: f32[65537]
  scratch b: f32[65537, 65537]
  for i in 0..65537 { for j in 0..65537 { b[i, j] = a[i] * a[j] } }
  for i.1 in 0..65537 { y[i.1] = b[i.1, 65536 - i.1] }
}
