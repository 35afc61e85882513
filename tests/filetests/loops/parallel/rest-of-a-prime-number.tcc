test passes = "parallel"

func @sums() {
  input X: f32[10007, 32]
  output Y: f32[10007]
  scratch sum: f32
  for i in 0..10007 {
    sum = 0.0f32
    for j in 0..32 {
      sum += X[i, j]
    }
    Y[i] = sum
  }
}
----
