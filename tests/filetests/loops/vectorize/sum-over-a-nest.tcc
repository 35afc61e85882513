test passes = "vectorize(8)"

func @total() {
  input X: f32[5, 3, 12]
  output Y: f32[3]
  scratch acc: f32
  for k in 0..3 {
    acc = 0.0f32
    for i in 0..5 {
      for j in 0..12 {
        acc += X[i, k, j]
      }
    }
    Y[k] = acc
  }
}
----
func @total() {
  input X: f32[5, 3, 12]
  output Y: f32[3]
  scratch acc: f32
  scratch acc.v: f32[12]
  for k in 0..3 {
    acc = 0.0f32
    vector for i.v in 0..12 {
      acc.v[i.v] = 0.0f32
    }
    for i in 0..5 {
      for j.o in 0..1 {
        vector for j.v in 0..12 {
          acc.v[j.v] += X[i, k, j.o * 12 + j.v]
        }
      }
    }
    vector for i.v.1 in 0..6 {
      acc.v[i.v.1] += acc.v[i.v.1 + 6]
    }
    vector for i.v.2 in 0..3 {
      acc.v[i.v.2] += acc.v[i.v.2 + 3]
    }
    acc.v[0] += acc.v[2]
    acc.v[0] += acc.v[1]
    acc += acc.v[0]
    Y[k] = acc
  }
}
