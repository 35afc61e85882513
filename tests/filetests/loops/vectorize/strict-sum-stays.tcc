test passes = "vectorize(8)"
contract = strict

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
  acc = 0.0f32
  for i in 0..64 {
    acc += X[i]
  }
  Y = acc
}
