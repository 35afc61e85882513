test lower

graph @argmax(%x: f32[i:4]) {
  %0 y = argmax[i] %x : i64
  return y = %0[]
}
----
func @argmax() {
  input x: f32[4]
  output y: i64
  scratch y.best: f32
  scratch y.1: i64
  y.best = -inf_f32
  y.1 = 0
  for i in 0..4 {
    let y.x: f32 = x[i]
    if y.best < y.x or isnan(y.x) and not(isnan(y.best)) {
      y.best = y.x
      y.1 = i
    }
  }
  y = y.1
}
