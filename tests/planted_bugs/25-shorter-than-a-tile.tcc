# Three iterations, tiles of four.
pipeline = | tile(4)
sizes = n=3

func @witness(n) {
  input a: f32[n]
  output y: f32
  y = 0.0f32
  for i in 0..n { y += a[i] }
}
