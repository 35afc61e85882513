test passes = "in_place, simplify"

func @attention() {
  input Q: f32[40, 8]
  input K: f32[50, 8]
  input m: f32[40]
  input V: f32[50, 9]
  output O: f32[40, 9]
  scratch S: f32[40, 50]
  scratch E: f32[40, 50]
  contract q in 0..40, k in 0..50, d in 0..8: S[q, k] = Q[q, d] * K[k, d]
  for q.1 in 0..40 {
    for k.1 in 0..50 {
      E[q.1, k.1] = exp(S[q.1, k.1] - m[q.1])
    }
  }
  contract q.2 in 0..40, e in 0..9, k.2 in 0..50: O[q.2, e] = E[q.2, k.2] * V[k.2, e]
}
----
func @attention() {
  input Q: f32[40, 8]
  input K: f32[50, 8]
  input m: f32[40]
  input V: f32[50, 9]
  output O: f32[40, 9]
  scratch S: f32[40, 50]
  contract q in 0..40, k in 0..50, d in 0..8: S[q, k] = Q[q, d] * K[k, d]
  for q.1 in 0..40 {
    for k.1 in 0..50 {
      S[q.1, k.1] = exp(S[q.1, k.1] - m[q.1])
    }
  }
  contract q.2 in 0..40, e in 0..9, k.2 in 0..50: O[q.2, e] = S[q.2, k.2] * V[k.2, e]
}
