test passes = "parallel"

func @scan() {
  input X: f32[4096, 64]
  output Y: f32[4096, 64]
  scratch h: f32[64]
  for t in 0..4096 {
    for c in 0..64 {
      if t < 1 {
        h[c] = X[t, c]
      } else {
        h[c] = h[c] * 0.5f32 + X[t, c]
      }
      Y[t, c] = h[c]
    }
  }
}
----
func @scan() {
  input X: f32[4096, 64]
  output Y: f32[4096, 64]
  scratch h: f32[64]
  for t in 0..4096 {
    for c in 0..64 {
      if t < 1 {
        h[c] = X[t, c]
      } else {
        h[c] = h[c] * 0.5f32 + X[t, c]
      }
      Y[t, c] = h[c]
    }
  }
}
