test passes = "scan"

func @window(n) {
  input b: f64[n]
  input c: f64[n]
  output y: f64[n]
  output last: f64
  scratch h: f64[2]
  h[1] = 0.5
  for t in 0..n {
    h[t mod 2] = h[(t + 1) mod 2] + b[t]
    if t == n - 1 {
      last = h[t mod 2]
    }
    y[t] = c[t] * h[t mod 2] - h[(t + 1) mod 2]
  }
}
----
func @window(n) {
  input b: f64[n]
  input c: f64[n]
  output y: f64[n]
  output last: f64
  scratch h: f64[2]
  scratch t.addend: f64[136]
  scratch t.addend.1: f64[136]
  scratch t.addend.2: f64[136]
  scratch t.state: f64[136]
  h[1] = 0.5
  if 0 < n div 8 {
    let t.initial: f64 = h[(0 + 1) mod 2]
    vector for t.v in 0..8 {
      t.addend[t.v] = 0.0
      t.addend.1[t.v] = 0.0
      t.addend.2[t.v] = 0.0
      t.state[t.v] = t.initial
    }
    for t.o in 0..n div 8 div 16 {
      for t.i in 0..128 {
        t.addend[t.i + 8] = b[t.o * 128 + t.i]
      }
      for t.i.1 in 0..128 {
        t.addend.1[t.i.1 + 8] = t.addend[t.i.1 + 7] + t.addend[t.i.1 + 8]
      }
      for t.i.2 in 0..128 {
        t.addend.2[t.i.2 + 8] = t.addend.1[t.i.2 + 6] + t.addend.1[t.i.2 + 8]
      }
      for t.w in 0..16 {
        vector for t.v.1 in 0..8 {
          t.state[t.w * 8 + t.v.1 + 8] = t.state[t.w * 8 + t.v.1] + (t.addend.2[t.w * 8 + t.v.1 + 4] + t.addend.2[t.w * 8 + t.v.1 + 8])
        }
      }
      for t.i.3 in 0..128 {
        y[t.o * 128 + t.i.3] = c[t.o * 128 + t.i.3] * t.state[t.i.3 + 8] - t.state[t.i.3 + 7]
      }
      vector for t.v.2 in 0..8 {
        t.addend[t.v.2] = t.addend[t.v.2 + 128]
        t.addend.1[t.v.2] = t.addend.1[t.v.2 + 128]
        t.addend.2[t.v.2] = t.addend.2[t.v.2 + 128]
        t.state[t.v.2] = t.state[t.v.2 + 128]
      }
    }
    for t.i.4 in 0..n div 8 mod 16 * 8 {
      t.addend[t.i.4 + 8] = b[n div 8 div 16 * 128 + t.i.4]
    }
    for t.i.5 in 0..n div 8 mod 16 * 8 {
      t.addend.1[t.i.5 + 8] = t.addend[t.i.5 + 7] + t.addend[t.i.5 + 8]
    }
    for t.i.6 in 0..n div 8 mod 16 * 8 {
      t.addend.2[t.i.6 + 8] = t.addend.1[t.i.6 + 6] + t.addend.1[t.i.6 + 8]
    }
    for t.w.1 in 0..n div 8 mod 16 {
      vector for t.v.3 in 0..8 {
        t.state[t.w.1 * 8 + t.v.3 + 8] = t.state[t.w.1 * 8 + t.v.3] + (t.addend.2[t.w.1 * 8 + t.v.3 + 4] + t.addend.2[t.w.1 * 8 + t.v.3 + 8])
      }
    }
    for t.i.7 in 0..n div 8 mod 16 * 8 {
      y[n div 8 div 16 * 128 + t.i.7] = c[n div 8 div 16 * 128 + t.i.7] * t.state[t.i.7 + 8] - t.state[t.i.7 + 7]
    }
    vector for t.v.4 in 0..8 {
      t.addend[t.v.4] = t.addend[t.v.4 + n div 8 mod 16 * 8]
      t.addend.1[t.v.4] = t.addend.1[t.v.4 + n div 8 mod 16 * 8]
      t.addend.2[t.v.4] = t.addend.2[t.v.4 + n div 8 mod 16 * 8]
      t.state[t.v.4] = t.state[t.v.4 + n div 8 mod 16 * 8]
    }
    h[(n div 8 * 8 - 2) mod 2] = t.state[6]
    h[(n div 8 * 8 - 1) mod 2] = t.state[7]
    if n div 8 * 8 == n {
      last = t.state[7]
    }
  }
  for t.1 in n div 8 * 8..n {
    h[t.1 mod 2] = h[(t.1 + 1) mod 2] + b[t.1]
    if t.1 == n - 1 {
      last = h[t.1 mod 2]
    }
    y[t.1] = c[t.1] * h[t.1 mod 2] - h[(t.1 + 1) mod 2]
  }
}
