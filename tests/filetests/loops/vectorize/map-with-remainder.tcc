test passes = "vectorize(8)"

func @scale() {
  input X: f32[35]
  output Y: f32[35]
  for i in 0..35 {
    let x: f32 = X[i]
    Y[i] = x * 2.0f32
  }
}
----
func @scale() {
  input X: f32[35]
  output Y: f32[35]
  for i.o in 0..4 {
    vector for i.v in 0..8 {
      let x.1: f32 = X[i.o * 8 + i.v]
      Y[i.o * 8 + i.v] = x.1 * 2.0f32
    }
  }
  vector for i.v.1 in 0..3 {
    let x: f32 = X[i.v.1 + 32]
    Y[i.v.1 + 32] = x * 2.0f32
  }
}
