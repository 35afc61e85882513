test passes = "simplify"

func @split(n) {
  input X: f32[n, 8]
  output Y: f32[n, 8]
  for ij in 0..n * 8 {
    for k in 0..1 {
      Y[ij div 8, ij mod 8 + k] = X[ij div 8, min(ij mod 8, 7)]
    }
  }
}
----
func @split(n) {
  input X: f32[n, 8]
  output Y: f32[n, 8]
  for ij in 0..n * 8 {
    Y[ij div 8, ij mod 8] = X[ij div 8, ij mod 8]
  }
}
