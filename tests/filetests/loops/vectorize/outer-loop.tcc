test passes = "vectorize(8)"

func @columns(n) {
  input X: f32[n, 20]
  output Y: f32[20]
  scratch acc: f32
  for k in 0..20 {
    acc = 0.0f32
    for j in 0..n {
      acc += X[j, k]
    }
    Y[k] = acc
  }
}
----
