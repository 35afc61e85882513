test passes = "unroll(4)"

func @first3(n) {
  input X: f32[n]
  output Y: f32[3]
  require 3 <= n "n is {left}"
  for i in 0..3 {
    let x: f32 = X[i]
    Y[i] = x * x
  }
}
----
func @first3(n) {
  input X: f32[n]
  output Y: f32[3]
  require 3 <= n "n is {left}"
  let x.1: f32 = X[0]
  Y[0] = x.1 * x.1
  let x.2: f32 = X[1]
  Y[1] = x.2 * x.2
  let x.3: f32 = X[2]
  Y[2] = x.3 * x.3
}
