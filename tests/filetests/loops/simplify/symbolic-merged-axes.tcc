test passes = "simplify"

func @merged(n, m) {
  input X: f32[n, m]
  output Y: f32[n, m]
  for i in 0..n {
    for j in 0..m {
      Y[(i * m + j) div m, (i * m + j) mod m] = X[i, j]
    }
  }
}
----
func @merged(n, m) {
  input X: f32[n, m]
  output Y: f32[n, m]
  for i in 0..n {
    for j in 0..m {
      Y[i, j] = X[i, j]
    }
  }
}
