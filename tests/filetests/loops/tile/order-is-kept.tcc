test passes = "tile(4), tile(4)"

func @scan() {
  input X: f32[30]
  output Y: f32[30]
  Y[0] = X[0]
  for i in 1..30 {
    Y[i] = Y[i - 1] + X[i]
  }
}
----
func @scan() {
  input X: f32[30]
  output Y: f32[30]
  Y[0] = X[0]
  for i.o.o in 0..2 {
    for i.o.i in 0..4 {
      for i.i in 0..min(4, 29 - (i.o.o * 4 + i.o.i) * 4) {
        Y[(i.o.o * 4 + i.o.i) * 4 + 1 + i.i] = Y[(i.o.o * 4 + i.o.i) * 4 + 1 + i.i - 1] + X[(i.o.o * 4 + i.o.i) * 4 + 1 + i.i]
      }
    }
  }
}
