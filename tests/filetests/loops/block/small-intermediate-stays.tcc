test passes = "block"

func @chain() {
  input A: f32[30, 8]
  input B: f32[8, 40]
  input W: f32[40, 9]
  output C: f32[30, 9]
  scratch S: f32[30, 40]
  contract i in 0..30, j in 0..40, k in 0..8: S[i, j] = A[i, k] * B[k, j]
  contract i.1 in 0..30, e in 0..9, j.1 in 0..40: C[i.1, e] = S[i.1, j.1] * W[j.1, e]
}
----
func @chain() {
  input A: f32[30, 8]
  input B: f32[8, 40]
  input W: f32[40, 9]
  output C: f32[30, 9]
  scratch S: f32[30, 40]
  contract i in 0..30, j in 0..40, k in 0..8: S[i, j] = A[i, k] * B[k, j]
  contract i.1 in 0..30, e in 0..9, j.1 in 0..40: C[i.1, e] = S[i.1, j.1] * W[j.1, e]
}
