test passes = "vectorize(8)"

func @columns(n) {
  input X: f32[n, 20]
  output Y: f32[20]
  scratch acc: f32
  for k in 0..20 {
    acc = 0.0f32
    for j in 0..n {
      acc += X[j, k]
    }
    Y[k] = acc
  }
}
----
func @columns(n) {
  input X: f32[n, 20]
  output Y: f32[20]
  scratch acc: f32
  scratch acc.v: f32[8]
  for k.o in 0..2 {
    vector for k.v in 0..8 {
      acc.v[k.v] = 0.0f32
    }
    for j.1 in 0..n {
      vector for k.v.1 in 0..8 {
        acc.v[k.v.1] += X[j.1, k.o * 8 + k.v.1]
      }
    }
    vector for k.v.2 in 0..8 {
      Y[k.o * 8 + k.v.2] = acc.v[k.v.2]
    }
  }
  vector for k.v.3 in 0..4 {
    acc.v[k.v.3] = 0.0f32
  }
  for j.2 in 0..n {
    vector for k.v.4 in 0..4 {
      acc.v[k.v.4] += X[j.2, k.v.4 + 16]
    }
  }
  vector for k.v.5 in 0..4 {
    Y[k.v.5 + 16] = acc.v[k.v.5]
  }
}
