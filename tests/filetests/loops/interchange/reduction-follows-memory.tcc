test passes = "interchange"

func @total() {
  input X: f32[5, 3, 12]
  output Y: f32[3]
  scratch acc: f32
  for k in 0..3 {
    acc = 0.0f32
    for j in 0..12 {
      for i in 0..5 {
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
