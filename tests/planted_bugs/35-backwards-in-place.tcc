# Each row of S is read backwards.
pipeline = | in_place

func @witness() {
  input Q: f32[4, 3]
  input K: f32[4, 3]
  input W: f32[4, 2]
  output O: f32[4, 2]
  scratch S: f32[4, 4]
  scratch E: f32[4, 4]
  contract i in 0..4, j in 0..4, k in 0..3: S[i, j] = Q[i, k] * K[j, k]
  for i.1 in 0..4 { for j.1 in 0..4 { E[i.1, j.1] = S[i.1, 3 - j.1] * 2.0f32 } }
  contract i.2 in 0..4, e in 0..2, j.2 in 0..4: O[i.2, e] = E[i.2, j.2] * W[j.2, e]
}
