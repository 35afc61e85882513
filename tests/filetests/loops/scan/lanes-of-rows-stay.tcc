test passes = "scan"

func @rows() {
  input b: f32[96, 4]
  output h: f32[96, 4]
  for i in 0..4 {
    h[0, i] = 0.0f32
  }
  for t in 0..96 {
    for i.1 in 0..4 {
      h[t, i.1] = b[t, i.1] + select(0 <= t - 1, h[max(t - 1, 0), i.1], 0.0f32)
    }
  }
}
----
func @rows() {
  input b: f32[96, 4]
  output h: f32[96, 4]
  for i in 0..4 {
    h[0, i] = 0.0f32
  }
  for t in 0..96 {
    for i.1 in 0..4 {
      h[t, i.1] = b[t, i.1] + select(0 <= t - 1, h[max(t - 1, 0), i.1], 0.0f32)
    }
  }
}
