test passes = "scan"
contract = strict

func @maximum() {
  input x: f32[96]
  output h: f32[96]
  h[0] = 0.0f32
  for t in 0..96 {
    h[t] = max(select(0 <= t - 1, h[max(t - 1, 0)], -inf_f32), x[t])
  }
}
----
