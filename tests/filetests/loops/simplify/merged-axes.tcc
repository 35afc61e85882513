test passes = "simplify"

func @merged(n) {
  input X: f32[n, 8]
  output Y: f32[n, 8]
  for i in 0..n {
    for j in 0..8 {
      Y[(i * 8 + j) div 8, (i * 8 + j) mod 8] = X[i, j]
    }
  }
}
----
func @merged(n) {
  input X: f32[n, 8]
  output Y: f32[n, 8]
  for i in 0..n {
    for j in 0..8 {
      Y[i, j] = X[i, j]
    }
  }
}
