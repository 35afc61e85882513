test passes = "contract"

func @scaled(n) {
  input A: f32[n, 2*n]
  input B: f32[n, 2*n]
  output C: f32[n, n]
  scratch acc: f32
  for i in 0..n {
    for j in 0..n {
      acc = 0.0f32
      for k in 0..2*n {
        acc += A[i, k] * B[j, k]
      }
      C[i, j] = acc / 2.0f32
    }
  }
}
----
func @scaled(n) {
  input A: f32[n, 2*n]
  input B: f32[n, 2*n]
  output C: f32[n, n]
  scratch acc: f32
  contract i in 0..n, j in 0..n, k in 0..2 * n: C[i, j] = A[i, k] * B[j, k]
  for i.1 in 0..n {
    for j.1 in 0..n {
      C[i.1, j.1] = C[i.1, j.1] / 2.0f32
    }
  }
}
