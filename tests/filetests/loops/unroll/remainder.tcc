test passes = "unroll(4)"

func @sum() {
  input X: f32[10]
  output y: f32
  scratch acc: f32
  acc = 0.0f32
  for i in 0..10 {
    acc += X[i]
  }
  y = acc
}
----
func @sum() {
  input X: f32[10]
  output y: f32
  scratch acc: f32
  acc = 0.0f32
  for i.o in 0..2 {
    acc += X[i.o * 4]
    acc += X[i.o * 4 + 1]
    acc += X[i.o * 4 + 2]
    acc += X[i.o * 4 + 3]
  }
  acc += X[8]
  acc += X[9]
  y = acc
}
