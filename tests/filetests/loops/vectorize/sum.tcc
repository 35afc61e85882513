test passes = "vectorize(8)"

func @sum() {
  input X: f32[64]
  output Y: f32
  scratch acc: f32
  acc = 0.0f32
  for i in 0..64 {
    acc += X[i]
  }
  Y[] = acc
}
----
func @sum() {
  input X: f32[64]
  output Y: f32
  scratch acc: f32
  scratch acc.v: f32[32]
  acc = 0.0f32
  vector for i.v in 0..32 {
    acc.v[i.v] = 0.0f32
  }
  for i.o in 0..2 {
    vector for i.v.1 in 0..32 {
      acc.v[i.v.1] += X[i.o * 32 + i.v.1]
    }
  }
  vector for i.v.2 in 0..16 {
    acc.v[i.v.2] += acc.v[i.v.2 + 16]
  }
  vector for i.v.3 in 0..8 {
    acc.v[i.v.3] += acc.v[i.v.3 + 8]
  }
  vector for i.v.4 in 0..4 {
    acc.v[i.v.4] += acc.v[i.v.4 + 4]
  }
  vector for i.v.5 in 0..2 {
    acc.v[i.v.5] += acc.v[i.v.5 + 2]
  }
  acc.v[0] += acc.v[1]
  acc += acc.v[0]
  Y = acc
}
