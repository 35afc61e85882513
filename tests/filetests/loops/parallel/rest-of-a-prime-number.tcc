test passes = "parallel"

func @sums() {
  input X: f32[1009, 64]
  output Y: f32[1009]
  scratch sum: f32
  for i in 0..1009 {
    sum = 0.0f32
    for j in 0..64 {
      sum += X[i, j]
    }
    Y[i] = sum
  }
}
----
