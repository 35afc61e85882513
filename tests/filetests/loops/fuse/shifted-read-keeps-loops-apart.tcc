test passes = "fuse"

func @shifted() {
  input X: f32[8]
  output Y: f32[8]
  scratch s: f32[8]
  for i in 0..8 {
    s[i] = X[i] * X[i]
  }
  for i.1 in 0..8 {
    Y[i.1] = s[7 - i.1]
  }
}
----
func @shifted() {
  input X: f32[8]
  output Y: f32[8]
  scratch s: f32[8]
  for i in 0..8 {
    s[i] = X[i] * X[i]
  }
  for i.1 in 0..8 {
    Y[i.1] = s[7 - i.1]
  }
}
