test passes = "parallel"

func @twice() {
  input X: f32[4294967291]
  output Y: f32[4294967291]
  for i in 0..4294967291 {
    Y[i] = X[i] * 2.0f32
  }
}
----
