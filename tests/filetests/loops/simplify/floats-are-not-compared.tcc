test passes = "simplify"

func @is_number() {
  input X: f32[4]
  output Y: bool[4]
  for i in 0..4 {
    let x: f32 = X[i]
    let y: f32 = x
    Y[i] = x <= y
  }
}
----
func @is_number() {
  input X: f32[4]
  output Y: bool[4]
  for i in 0..4 {
    let x: f32 = X[i]
    Y[i] = x <= x
  }
}
