# Three iterations, tiles of eight.
pipeline = | tile(8)

func @witness() {
  input a: f32[3]
  output y: f32
  y = 0.0f32
  for i in 0..3 { y += a[i] }
}
