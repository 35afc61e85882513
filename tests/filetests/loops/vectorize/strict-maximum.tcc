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
  scratch acc.v: f32[4]
  acc = -inf_f32
  vector for i.v in 0..4 {
    acc.v[i.v] = -inf_f32
  }
  for i.o in 0..4 {
    vector for i.v.1 in 0..4 {
      acc.v[i.v.1] max= X[i.o * 4 + i.v.1]
    }
  }
  vector for i.v.2 in 0..2 {
    acc.v[i.v.2] max= X[i.v.2 + 16]
  }
  vector for i.v.3 in 0..2 {
    acc.v[i.v.3] max= acc.v[i.v.3 + 2]
  }
  acc.v[0] max= acc.v[1]
  acc max= acc.v[0]
  Y = acc
}
