test passes = "hoist, vectorize(8)"

func @deviations() {
  input X: f32[10, 12]
  output Y: f32[12]
  scratch m: f32[12]
  scratch acc: f32
  scratch squares: f32
  for k in 0..12 {
    acc = 0.0f32
    for j in 0..10 {
      acc += X[j, k]
    }
    m[k] = acc / 10.0f32
    squares = 0.0f32
    for j.1 in 0..10 {
      let c: f32 = X[j.1, k] - m[k]
      squares += c * c
    }
    Y[k] = sqrt(squares)
  }
}
----
func @deviations() {
  input X: f32[10, 12]
  output Y: f32[12]
  scratch m: f32[12]
  scratch acc: f32
  scratch squares: f32
  scratch m.h.1: f32
  scratch acc.v: f32[12]
  scratch squares.v: f32[12]
  scratch m.h.1.v: f32[12]
  for k.o in 0..1 {
    vector for k.v in 0..12 {
      acc.v[k.v] = 0.0f32
    }
    for j.2 in 0..10 {
      vector for k.v.1 in 0..12 {
        acc.v[k.v.1] += X[j.2, k.o * 12 + k.v.1]
      }
    }
    vector for k.v.2 in 0..12 {
      m[k.o * 12 + k.v.2] = acc.v[k.v.2] / 10.0f32
      squares.v[k.v.2] = 0.0f32
      m.h.1.v[k.v.2] = m[k.o * 12 + k.v.2]
    }
    for j.1.1 in 0..10 {
      vector for k.v.3 in 0..12 {
        let c.1: f32 = X[j.1.1, k.o * 12 + k.v.3] - m.h.1.v[k.v.3]
        squares.v[k.v.3] += c.1 * c.1
      }
    }
    vector for k.v.4 in 0..12 {
      Y[k.o * 12 + k.v.4] = sqrt(squares.v[k.v.4])
    }
  }
}
