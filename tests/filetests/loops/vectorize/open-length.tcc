test passes = "vectorize(8)"

func @scale(n) {
  input X: f32[n]
  output Y: f32[n]
  parallel for i in 0..n {
    Y[i] = X[i] * 2.0f32
  }
}
----
func @scale(n) {
  input X: f32[n]
  output Y: f32[n]
  let i.length: i64 = max(n, 0)
  let i.blocks: i64 = i.length div 8
  parallel for i.o in 0..i.blocks {
    vector for i.v in 0..8 {
      Y[i.o * 8 + i.v] = X[i.o * 8 + i.v] * 2.0f32
    }
  }
  parallel for i in i.blocks * 8..i.blocks * 8 + i.length mod 8 {
    Y[i] = X[i] * 2.0f32
  }
}
