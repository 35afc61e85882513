test passes = "parallel"

func @total() {
  input X: f32[4096, 64]
  output Y: f32
  Y = 0.0f32
  for i in 0..4096 {
    for j in 0..64 {
      Y += X[i, j]
    }
  }
}
----
func @total() {
  input X: f32[4096, 64]
  output Y: f32
  Y = 0.0f32
  for i in 0..4096 {
    for j in 0..64 {
      Y += X[i, j]
    }
  }
}
