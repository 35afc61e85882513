test passes = "scan"

func @backward() {
  input a: f64[1024]
  input b: f64[1024]
  output h: f64[1024]
  h[1023] = 0.0
  for t in 0..1024 {
    let t.1: i64 = 1023 - t
    let x: f64 = exp(a[t.1])
    h[t.1] = x * b[t.1] + x * select(t.1 + 1 < 1024, h[min(t.1 + 1, 1023)], 0.0)
  }
}
----
func @backward() {
  input a: f64[1024]
  input b: f64[1024]
  output h: f64[1024]
  scratch t.factor: f64[136]
  scratch t.addend: f64[136]
  scratch t.factor.1: f64[136]
  scratch t.addend.1: f64[136]
  scratch t.factor.2: f64[136]
  scratch t.addend.2: f64[136]
  scratch t.state: f64[136]
  h[1023] = 0.0
  let t.initial: f64 = 0.0
  vector for t.v in 0..8 {
    t.factor[t.v] = 1.0
    t.addend[t.v] = 0.0
    t.factor.1[t.v] = 1.0
    t.addend.1[t.v] = 0.0
    t.factor.2[t.v] = 1.0
    t.addend.2[t.v] = 0.0
    t.state[t.v] = t.initial
  }
  for t.o in 0..8 {
    for t.i in 0..128 {
      let x.1: f64 = exp(a[1023 - (t.o * 128 + t.i)])
      t.factor[t.i + 8] = x.1
      t.addend[t.i + 8] = x.1 * b[1023 - (t.o * 128 + t.i)]
    }
    for t.i.1 in 0..128 {
      t.factor.1[t.i.1 + 8] = t.factor[t.i.1 + 8] * t.factor[t.i.1 + 7]
      t.addend.1[t.i.1 + 8] = fma(t.factor[t.i.1 + 8], t.addend[t.i.1 + 7], t.addend[t.i.1 + 8])
    }
    for t.i.2 in 0..128 {
      t.factor.2[t.i.2 + 8] = t.factor.1[t.i.2 + 8] * t.factor.1[t.i.2 + 6]
      t.addend.2[t.i.2 + 8] = fma(t.factor.1[t.i.2 + 8], t.addend.1[t.i.2 + 6], t.addend.1[t.i.2 + 8])
    }
    for t.w in 0..16 {
      vector for t.v.1 in 0..8 {
        t.state[t.w * 8 + t.v.1 + 8] = fma(t.factor.2[t.w * 8 + t.v.1 + 8] * t.factor.2[t.w * 8 + t.v.1 + 4], t.state[t.w * 8 + t.v.1], fma(t.factor.2[t.w * 8 + t.v.1 + 8], t.addend.2[t.w * 8 + t.v.1 + 4], t.addend.2[t.w * 8 + t.v.1 + 8]))
      }
    }
    for t.i.3 in 0..128 {
      h[1023 - (t.o * 128 + (127 - t.i.3))] = t.state[127 - t.i.3 + 8]
    }
    vector for t.v.2 in 0..8 {
      t.factor[t.v.2] = t.factor[t.v.2 + 128]
      t.addend[t.v.2] = t.addend[t.v.2 + 128]
      t.factor.1[t.v.2] = t.factor.1[t.v.2 + 128]
      t.addend.1[t.v.2] = t.addend.1[t.v.2 + 128]
      t.factor.2[t.v.2] = t.factor.2[t.v.2 + 128]
      t.addend.2[t.v.2] = t.addend.2[t.v.2 + 128]
      t.state[t.v.2] = t.state[t.v.2 + 128]
    }
  }
}
