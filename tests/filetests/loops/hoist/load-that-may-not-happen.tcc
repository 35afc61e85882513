test passes = "hoist"

func @last(n) {
  input X: f32[n]
  output Y: f32[4]
  output Z: f32[n]
  for i in 0..4 {
    Y[i] = X[n - 1]
  }
  for j in 0..n {
    Z[j] = X[n - 1]
  }
}
----
func @last(n) {
  input X: f32[n]
  output Y: f32[4]
  output Z: f32[n]
  let X.h: f32 = X[n - 1]
  for i in 0..4 {
    Y[i] = X.h
  }
  for j in 0..n {
    Z[j] = X[n - 1]
  }
}
