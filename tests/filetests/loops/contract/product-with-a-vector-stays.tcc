test passes = "contract"

func @vector(n) {
  input A: f32[n, n]
  input x: f32[n]
  output y: f32[n]
  scratch acc: f32
  for i in 0..n {
    acc = 0.0f32
    for k in 0..n {
      acc += A[i, k] * x[k]
    }
    y[i] = acc
  }
}
----
func @vector(n) {
  input A: f32[n, n]
  input x: f32[n]
  output y: f32[n]
  scratch acc: f32
  for i in 0..n {
    acc = 0.0f32
    for k in 0..n {
      acc += A[i, k] * x[k]
    }
    y[i] = acc
  }
}
