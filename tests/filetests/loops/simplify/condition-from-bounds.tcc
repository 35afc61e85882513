test passes = "simplify"

func @triangle(n) {
  input X: f32[n]
  output Y: f32[n, n]
  for i in 0..n {
    for j in 0..n {
      Y[i, j] = 0.0f32
    }
    for j.1 in i..n {
      if i <= j.1 and 0 <= i {
        Y[i, j.1] = X[j.1]
      }
    }
  }
}
----
func @triangle(n) {
  input X: f32[n]
  output Y: f32[n, n]
  for i in 0..n {
    for j in 0..n {
      Y[i, j] = 0.0f32
    }
    for j.1 in i..n {
      Y[i, j.1] = X[j.1]
    }
  }
}
