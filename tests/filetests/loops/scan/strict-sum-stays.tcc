test passes = "scan"
contract = strict

func @sum() {
  input x: f32[96]
  output h: f32[96]
  h[0] = 0.0f32
  for t in 0..96 {
    h[t] = select(0 <= t - 1, h[max(t - 1, 0)], 0.0f32) + x[t]
  }
}
----
func @sum() {
  input x: f32[96]
  output h: f32[96]
  h[0] = 0.0f32
  for t in 0..96 {
    h[t] = select(0 <= t - 1, h[max(t - 1, 0)], 0.0f32) + x[t]
  }
}
