test passes = "interchange"

func @matmul(m, n, k) {
  input A: f32[m, k]
  input B: f32[k, n]
  output C: f32[m, n]
  for i in 0..m {
    for j in 0..n {
      C[i, j] = 0.0f32
    }
  }
  for i.1 in 0..m {
    for j.1 in 0..n {
      for l in 0..k {
        C[i.1, j.1] += A[i.1, l] * B[l, j.1]
      }
    }
  }
}
----
func @matmul(m, n, k) {
  input A: f32[m, k]
  input B: f32[k, n]
  output C: f32[m, n]
  for i in 0..m {
    for j in 0..n {
      C[i, j] = 0.0f32
    }
  }
  for i.1 in 0..m {
    for l in 0..k {
      for j.1 in 0..n {
        C[i.1, j.1] += A[i.1, l] * B[l, j.1]
      }
    }
  }
}
