test passes = "parallel, reuse_buffers"

func @attention() {
  input Q: f32[8, 64, 32]
  input K: f32[8, 64, 32]
  output O: f32[8, 64, 32]
  scratch S: f32[64, 64]
  scratch m: f32
  for h in 0..8 {
    contract q in 0..64, k in 0..64, d in 0..32: S[q, k] = Q[h, q, d] * K[h, k, d]
    for q.1 in 0..64 {
      m = -inf_f32
      for k.1 in 0..64 {
        m max= S[q.1, k.1]
      }
      for k.2 in 0..64 {
        S[q.1, k.2] = S[q.1, k.2] - m
      }
    }
    contract q.2 in 0..64, e in 0..32, k.3 in 0..64: O[h, q.2, e] = S[q.2, k.3] * K[h, k.3, e]
  }
}
----
func @attention() {
  input Q: f32[8, 64, 32]
  input K: f32[8, 64, 32]
  output O: f32[8, 64, 32]
  scratch S: f32[64, 64] private at 0
  scratch m: f32
  arena 16384
  parallel for h in 0..8 {
    contract q in 0..64, k in 0..64, d in 0..32: S[q, k] = Q[h, q, d] * K[h, k, d]
    for q.1 in 0..64 {
      m = -inf_f32
      for k.1 in 0..64 {
        m max= S[q.1, k.1]
      }
      for k.2 in 0..64 {
        S[q.1, k.2] = S[q.1, k.2] - m
      }
    }
    contract q.2 in 0..64, e in 0..32, k.3 in 0..64: O[h, q.2, e] = S[q.2, k.3] * K[h, k.3, e]
  }
}
