test passes = "block(64)"

func @attention() {
  input Q: f32[4, 300, 16]
  input K: f32[4, 500, 16]
  input V: f32[4, 500, 16]
  output O: f32[4, 300, 16]
  scratch S: f32[4, 300, 500]
  contract h in 0..4, q in 0..300, k in 0..500, d in 0..16: S[h, q, k] = Q[h, q, d] * K[h, k, d]
  for h.1 in 0..4 {
    for q.1 in 0..300 {
      for k.1 in 0..500 {
        S[h.1, q.1, k.1] = S[h.1, q.1, k.1] / 4.0f32
      }
    }
  }
  contract h.2 in 0..4, q.2 in 0..300, e in 0..16, k.2 in 0..500: O[h.2, q.2, e] = S[h.2, q.2, k.2] * V[h.2, k.2, e]
}
----
func @attention() {
  input Q: f32[4, 300, 16]
  input K: f32[4, 500, 16]
  input V: f32[4, 500, 16]
  output O: f32[4, 300, 16]
  scratch S: f32[32, 500]
  for h.3 in 0..4 {
    for q.o in 0..10 {
      contract q in 0..min(32, 300 - q.o * 32), k in 0..500, d in 0..16: S[q, k] = Q[h.3, q.o * 32 + q, d] * K[h.3, k, d]
      for q.1 in 0..min(32, 300 - q.o * 32) {
        for k.1 in 0..500 {
          S[q.1, k.1] = S[q.1, k.1] / 4.0f32
        }
      }
      contract q.2 in 0..min(32, 300 - q.o * 32), e in 0..16, k.2 in 0..500: O[h.3, q.o * 32 + q.2, e] = S[q.2, k.2] * V[h.3, k.2, e]
    }
  }
}
