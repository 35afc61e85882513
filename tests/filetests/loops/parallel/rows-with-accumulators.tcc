test passes = "vectorize(16), parallel, reuse_buffers"

func @sums() {
  input X: f32[512, 2048]
  output Y: f32[512]
  scratch sum: f32
  for i in 0..512 {
    sum = 0.0f32
    for j in 0..2048 {
      sum += X[i, j] * 0.5f32 + X[i, j] * X[i, j] * X[i, j] * X[i, j] * X[i, j] * X[i, j]
    }
    Y[i] = sum
  }
}
----
