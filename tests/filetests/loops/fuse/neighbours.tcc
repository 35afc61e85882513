test passes = "fuse"

func @neighbours(n) {
  input X: f32[n]
  output Y: f32[n]
  scratch s: f32[n]
  for i in 0..n {
    s[i] = X[i] * X[i]
  }
  for i.1 in 0..n {
    Y[i.1] = s[i.1] + X[i.1]
  }
}
----
func @neighbours(n) {
  input X: f32[n]
  output Y: f32[n]
  scratch s: f32
  for i in 0..n {
    s = X[i] * X[i]
    Y[i] = s + X[i]
  }
}
