test passes = "scan"

func @affine() {
  input a: f32[100]
  input b: f32[100]
  output h: f32[100]
  h[0] = 0.0f32
  for t in 0..100 {
    h[t] = b[t] + a[t] * select(0 <= t - 1, h[max(t - 1, 0)], 0.0f32)
  }
}
----
