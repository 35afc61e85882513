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
func @affine() {
  input a: f32[100]
  input b: f32[100]
  output h: f32[100]
  scratch t.factor: f32[112]
  scratch t.addend: f32[112]
  scratch t.factor.1: f32[112]
  scratch t.addend.1: f32[112]
  scratch t.factor.2: f32[112]
  scratch t.addend.2: f32[112]
  scratch t.factor.3: f32[112]
  scratch t.addend.3: f32[112]
  scratch t.state: f32[112]
  h[0] = 0.0f32
  let t.initial: f32 = 0.0f32
  vector for t.v in 0..16 {
    t.factor[t.v] = 1.0f32
    t.addend[t.v] = 0.0f32
    t.factor.1[t.v] = 1.0f32
    t.addend.1[t.v] = 0.0f32
    t.factor.2[t.v] = 1.0f32
    t.addend.2[t.v] = 0.0f32
    t.factor.3[t.v] = 1.0f32
    t.addend.3[t.v] = 0.0f32
    t.state[t.v] = t.initial
  }
  for t.o in 0..1 {
    for t.i in 0..96 {
      t.factor[t.i + 16] = a[t.o * 96 + t.i]
      t.addend[t.i + 16] = b[t.o * 96 + t.i]
    }
    for t.i.1 in 0..96 {
      t.factor.1[t.i.1 + 16] = t.factor[t.i.1 + 16] * t.factor[t.i.1 + 15]
      t.addend.1[t.i.1 + 16] = fma(t.factor[t.i.1 + 16], t.addend[t.i.1 + 15], t.addend[t.i.1 + 16])
    }
    for t.i.2 in 0..96 {
      t.factor.2[t.i.2 + 16] = t.factor.1[t.i.2 + 16] * t.factor.1[t.i.2 + 14]
      t.addend.2[t.i.2 + 16] = fma(t.factor.1[t.i.2 + 16], t.addend.1[t.i.2 + 14], t.addend.1[t.i.2 + 16])
    }
    for t.i.3 in 0..96 {
      t.factor.3[t.i.3 + 16] = t.factor.2[t.i.3 + 16] * t.factor.2[t.i.3 + 12]
      t.addend.3[t.i.3 + 16] = fma(t.factor.2[t.i.3 + 16], t.addend.2[t.i.3 + 12], t.addend.2[t.i.3 + 16])
    }
    for t.w in 0..6 {
      vector for t.v.1 in 0..16 {
        t.state[t.w * 16 + t.v.1 + 16] = fma(t.factor.3[t.w * 16 + t.v.1 + 16] * t.factor.3[t.w * 16 + t.v.1 + 8], t.state[t.w * 16 + t.v.1], fma(t.factor.3[t.w * 16 + t.v.1 + 16], t.addend.3[t.w * 16 + t.v.1 + 8], t.addend.3[t.w * 16 + t.v.1 + 16]))
      }
    }
    for t.i.4 in 0..96 {
      h[t.o * 96 + t.i.4] = t.state[t.i.4 + 16]
    }
    vector for t.v.2 in 0..16 {
      t.factor[t.v.2] = t.factor[t.v.2 + 96]
      t.addend[t.v.2] = t.addend[t.v.2 + 96]
      t.factor.1[t.v.2] = t.factor.1[t.v.2 + 96]
      t.addend.1[t.v.2] = t.addend.1[t.v.2 + 96]
      t.factor.2[t.v.2] = t.factor.2[t.v.2 + 96]
      t.addend.2[t.v.2] = t.addend.2[t.v.2 + 96]
      t.factor.3[t.v.2] = t.factor.3[t.v.2 + 96]
      t.addend.3[t.v.2] = t.addend.3[t.v.2 + 96]
      t.state[t.v.2] = t.state[t.v.2 + 96]
    }
  }
  for t.1 in 96..100 {
    h[t.1] = b[t.1] + a[t.1] * select(0 <= t.1 - 1, h[max(t.1 - 1, 0)], 0.0f32)
  }
}
