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
  for k in 0..20 {
    acc = 0.0f32
    let j.length: i64 = max(n, 0)
    let j.blocks: i64 = j.length div 8
    vector for j.v in 0..8 {
      acc.v[j.v] = 0.0f32
    }
    for j.o in 0..j.blocks {
      vector for j.v.1 in 0..8 {
        acc.v[j.v.1] += X[j.o * 8 + j.v.1, k]
      }
    }
    vector for j.v.2 in 0..4 {
      acc.v[j.v.2] += acc.v[j.v.2 + 4]
    }
    vector for j.v.3 in 0..2 {
      acc.v[j.v.3] += acc.v[j.v.3 + 2]
    }
    acc.v[0] += acc.v[1]
    acc += acc.v[0]
    for j in j.blocks * 8..j.blocks * 8 + j.length mod 8 {
      acc += X[j, k]
    }
    Y[k] = acc
  }
}
