test passes = "parallel"

func @double() {
  input X: f32[1024]
  output Y: f32[1024]
  for i in 0..1024 {
    Y[i] = X[i] * 2.0f32
  }
}
----
func @double() {
  input X: f32[1024]
  output Y: f32[1024]
  for i in 0..1024 {
    Y[i] = X[i] * 2.0f32
  }
}
