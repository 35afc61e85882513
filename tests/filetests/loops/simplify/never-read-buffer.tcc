test passes = "simplify"

func @unread(n) {
  input X: f32[n]
  output Y: f32[n]
  scratch S: f32[n]
  scratch r: f32
  for i in 0..n {
    S[i] = X[i] * 2.0f32
    r = X[i]
    Y[i] = X[i]
  }
}
----
func @unread(n) {
  input X: f32[n]
  output Y: f32[n]
  for i in 0..n {
    Y[i] = X[i]
  }
}
