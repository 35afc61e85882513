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
func @maximum() {
  input x: f32[96]
  output h: f32[96]
  scratch t.addend: f32[112]
  scratch t.addend.1: f32[112]
  scratch t.addend.2: f32[112]
  scratch t.addend.3: f32[112]
  scratch t.state: f32[112]
  h[0] = 0.0f32
  let t.initial: f32 = -inf_f32
  vector for t.v in 0..16 {
    t.addend[t.v] = -inf_f32
    t.addend.1[t.v] = -inf_f32
    t.addend.2[t.v] = -inf_f32
    t.addend.3[t.v] = -inf_f32
    t.state[t.v] = t.initial
  }
  for t.o in 0..1 {
    for t.i in 0..96 {
      t.addend[t.i + 16] = x[t.o * 96 + t.i]
    }
    for t.i.1 in 0..96 {
      t.addend.1[t.i.1 + 16] = max(t.addend[t.i.1 + 15], t.addend[t.i.1 + 16])
    }
    for t.i.2 in 0..96 {
      t.addend.2[t.i.2 + 16] = max(t.addend.1[t.i.2 + 14], t.addend.1[t.i.2 + 16])
    }
    for t.i.3 in 0..96 {
      t.addend.3[t.i.3 + 16] = max(t.addend.2[t.i.3 + 12], t.addend.2[t.i.3 + 16])
    }
    for t.w in 0..6 {
      vector for t.v.1 in 0..16 {
        t.state[t.w * 16 + t.v.1 + 16] = max(t.state[t.w * 16 + t.v.1], max(t.addend.3[t.w * 16 + t.v.1 + 8], t.addend.3[t.w * 16 + t.v.1 + 16]))
      }
    }
    for t.i.4 in 0..96 {
      h[t.o * 96 + t.i.4] = t.state[t.i.4 + 16]
    }
    vector for t.v.2 in 0..16 {
      t.addend[t.v.2] = t.addend[t.v.2 + 96]
      t.addend.1[t.v.2] = t.addend.1[t.v.2 + 96]
      t.addend.2[t.v.2] = t.addend.2[t.v.2 + 96]
      t.addend.3[t.v.2] = t.addend.3[t.v.2 + 96]
      t.state[t.v.2] = t.state[t.v.2 + 96]
    }
  }
}
