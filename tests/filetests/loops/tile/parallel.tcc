test passes = "tile(8)"

func @rows(n) {
  input X: f32[n]
  output Y: f32[n]
  parallel for i in 0..n {
    Y[i] = X[i] * 2.0f32
  }
}
----
func @rows(n) {
  input X: f32[n]
  output Y: f32[n]
  parallel for i.o in 0..(n + 7) div 8 {
    parallel for i.i in 0..min(8, n - i.o * 8) {
      Y[i.o * 8 + i.i] = X[i.o * 8 + i.i] * 2.0f32
    }
  }
}
