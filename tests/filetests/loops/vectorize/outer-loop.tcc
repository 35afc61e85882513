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
  scratch acc.v: f32[20]
  for k.o in 0..1 {
    vector for k.v in 0..20 {
      acc.v[k.v] = 0.0f32
    }
    for j.1 in 0..n {
      vector for k.v.1 in 0..20 {
        acc.v[k.v.1] += X[j.1, k.o * 20 + k.v.1]
      }
    }
    vector for k.v.2 in 0..20 {
      Y[k.o * 20 + k.v.2] = acc.v[k.v.2]
    }
  }
}
