test fuzz = "| reuse_buffers"
contract = reassoc
inputs = exact 1
backends = cranelift

func @f() {
  input X: f32[64]
  output Y: f32[256]
  scratch S: f32[64] private
  scratch r: f32
  for j in 0..64 {
    S[j] = X[j] + 1.0f32
  }
  parallel for i in 0..256 {
    r = 0.0f32
    for k in 0..1000 {
      r += S[(i + k) mod 64]
    }
    Y[i] = r
  }
}
----
holds
