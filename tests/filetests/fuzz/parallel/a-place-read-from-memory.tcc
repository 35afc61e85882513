test fuzz = "| parallel(1), reuse_buffers"
contract = reassoc
inputs = exact 1

func @f() {
  input X: f32[1024, 16]
  output Y: f32[1024]
  scratch S: f32[2]
  scratch r: i64
  for i in 0..1024 {
    r = i mod 2
    S[r] = 0.0f32
    for j in 0..16 {
      for k in 0..32 {
        S[r] += X[i, j]
      }
    }
    r = max(i - 1, 0) mod 2
    Y[i] = S[r]
  }
}
----
holds
