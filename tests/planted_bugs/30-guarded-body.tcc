# The guard mentions the counter of the loop that is unrolled.
pipeline = | unroll(4)
sizes = n=2

func @witness(n) {
  input a: f32[3]
  output y: f32[3]
  for i in 0..3 { y[i] = 0.0f32 }
  for i.1 in 0..3 { if i.1 < n { y[i.1] = a[i.1] } }
}
