test passes = "interchange"

func @skew() {
  input X: f32[8, 8]
  output W: f32[8, 8]
  for i in 0..8 {
    for j in 0..8 {
      W[i, j] = X[i, j]
    }
  }
  for j.1 in 1..8 {
    for i.1 in 0..7 {
      W[i.1, j.1] += W[i.1 + 1, j.1 - 1]
    }
  }
}
----
func @skew() {
  input X: f32[8, 8]
  output W: f32[8, 8]
  for i in 0..8 {
    for j in 0..8 {
      W[i, j] = X[i, j]
    }
  }
  for j.1 in 1..8 {
    for i.1 in 0..7 {
      W[i.1, j.1] += W[i.1 + 1, j.1 - 1]
    }
  }
}
