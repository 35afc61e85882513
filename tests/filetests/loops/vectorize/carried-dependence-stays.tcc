test passes = "vectorize(4)"

func @scan() {
  input X: f32[30]
  output Y: f32[30]
  Y[0] = X[0]
  for i in 1..30 {
    Y[i] = Y[i - 1] + X[i]
  }
}
----
func @scan() {
  input X: f32[30]
  output Y: f32[30]
  Y[0] = X[0]
  for i in 1..30 {
    Y[i] = Y[i - 1] + X[i]
  }
}
