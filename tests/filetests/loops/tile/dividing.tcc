test passes = "tile(32)"

func @copy() {
  input X: f32[128]
  output Y: f32[128]
  for i in 0..128 {
    Y[i] = X[i]
  }
}
----
func @copy() {
  input X: f32[128]
  output Y: f32[128]
  for i.o in 0..4 {
    for i.i in 0..32 {
      Y[i.o * 32 + i.i] = X[i.o * 32 + i.i]
    }
  }
}
