test passes = "vectorize(4)"
contract = strict

func @maximum() {
  input X: f32[18]
  output Y: f32
  scratch acc: f32
  acc = -inf_f32
  for i in 0..18 {
    acc max= X[i]
  }
  Y[] = acc
}
----
func @maximum() {
  input X: f32[18]
  output Y: f32
  scratch acc: f32
  scratch acc.v: f32[12]
  acc = -inf_f32
  vector for i.v in 0..12 {
    acc.v[i.v] = -inf_f32
  }
  for i.o in 0..1 {
    vector for i.v.1 in 0..12 {
      acc.v[i.v.1] max= X[i.o * 12 + i.v.1]
    }
  }
  vector for i.v.2 in 0..6 {
    acc.v[i.v.2] max= X[i.v.2 + 12]
  }
  vector for i.v.3 in 0..6 {
    acc.v[i.v.3] max= acc.v[i.v.3 + 6]
  }
  vector for i.v.4 in 0..3 {
    acc.v[i.v.4] max= acc.v[i.v.4 + 3]
  }
  acc.v[0] max= acc.v[2]
  acc.v[0] max= acc.v[1]
  acc max= acc.v[0]
  Y = acc
}
