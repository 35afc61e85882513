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
func @rows() {
  input b: i64[4, 96]
  output h: i64[4, 96]
  scratch t.addend: i64[104]
  scratch t.addend.1: i64[104]
  scratch t.addend.2: i64[104]
  scratch t.state: i64[104]
  for i in 0..4 {
    h[i, 0] = 0
  }
  for i.1 in 0..4 {
    let t.initial: i64 = 0
    vector for t.v in 0..8 {
      t.addend[t.v] = 0
      t.addend.1[t.v] = 0
      t.addend.2[t.v] = 0
      t.state[t.v] = t.initial
    }
    for t.o in 0..1 {
      for t.i in 0..96 {
        t.addend[t.i + 8] = b[i.1, t.o * 96 + t.i]
      }
      for t.i.1 in 0..96 {
        t.addend.1[t.i.1 + 8] = t.addend[t.i.1 + 7] + t.addend[t.i.1 + 8]
      }
      for t.i.2 in 0..96 {
        t.addend.2[t.i.2 + 8] = t.addend.1[t.i.2 + 6] + t.addend.1[t.i.2 + 8]
      }
      for t.w in 0..12 {
        vector for t.v.1 in 0..8 {
          t.state[t.w * 8 + t.v.1 + 8] = t.state[t.w * 8 + t.v.1] + (t.addend.2[t.w * 8 + t.v.1 + 4] + t.addend.2[t.w * 8 + t.v.1 + 8])
        }
      }
      for t.i.3 in 0..96 {
        h[i.1, t.o * 96 + t.i.3] = t.state[t.i.3 + 8]
      }
      vector for t.v.2 in 0..8 {
        t.addend[t.v.2] = t.addend[t.v.2 + 96]
        t.addend.1[t.v.2] = t.addend.1[t.v.2 + 96]
        t.addend.2[t.v.2] = t.addend.2[t.v.2 + 96]
        t.state[t.v.2] = t.state[t.v.2 + 96]
      }
    }
  }
}
