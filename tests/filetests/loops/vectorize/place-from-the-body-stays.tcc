test passes = "vectorize(4)"

func @place() {
  input X: i64[40]
  input k: i64
  output Y: i64[3]
  for j in 0..3 {
    Y[j] = 0
  }
  for i in 0..40 {
    let p: i64 = k mod 3
    Y[p] += X[i]
  }
}
----
func @place() {
  input X: i64[40]
  input k: i64
  output Y: i64[3]
  for j in 0..3 {
    Y[j] = 0
  }
  for i in 0..40 {
    let p: i64 = k mod 3
    Y[p] += X[i]
  }
}
