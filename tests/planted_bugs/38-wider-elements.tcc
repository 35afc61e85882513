# b is dead when d is first written, which has as many elements of twice the width.
pipeline = | reuse_buffers

func @witness() {
  input a: f32[64]
  output y: f64[64]
  scratch b: f32[64]
  scratch c: f64[64]
  scratch d: f64[64]
  for i in 0..64 { b[i] = a[i] + 1.0f32 }
  for i.1 in 0..64 { c[i.1] = f64(b[i.1]) }
  for i.2 in 0..64 { d[i.2] = c[i.2] * 2.0 }
  for i.3 in 0..64 { y[i.3] = d[i.3] + c[i.3] }
}
