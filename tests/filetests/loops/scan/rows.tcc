test passes = "scan"

func @rows() {
  input b: i64[4, 96]
  output h: i64[4, 96]
  for i in 0..4 {
    h[i, 0] = 0
  }
  for t in 0..96 {
    for i.1 in 0..4 {
      h[i.1, t] = b[i.1, t] + select(0 <= t - 1, h[i.1, max(t - 1, 0)], 0)
    }
  }
}
----
