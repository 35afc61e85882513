test passes = "tile(8)"

func @copy() {
  input X: f32[5]
  output Y: f32[5]
  for i in 0..5 {
    Y[i] = X[i]
  }
}
----
func @copy() {
  input X: f32[5]
  output Y: f32[5]
  for i in 0..5 {
    Y[i] = X[i]
  }
}
