test passes = "parallel"

func @sums() {
  input X: f32[1009, 64]
  output Y: f32[1009]
  scratch sum: f32
  for i in 0..1009 {
    sum = 0.0f32
    for j in 0..64 {
      sum += X[i, j]
    }
    Y[i] = sum
  }
}
----
func @sums() {
  input X: f32[1009, 64]
  output Y: f32[1009]
  scratch sum: f32
  scratch sum.1: f32
  parallel for i.p in 0..10 {
    for i.c in 0..94 {
      sum = 0.0f32
      for j in 0..64 {
        sum += X[i.p * 94 + i.c, j]
      }
      Y[i.p * 94 + i.c] = sum
    }
  }
  for i in 940..1009 {
    sum.1 = 0.0f32
    for j.1 in 0..64 {
      sum.1 += X[i, j.1]
    }
    Y[i] = sum.1
  }
}
