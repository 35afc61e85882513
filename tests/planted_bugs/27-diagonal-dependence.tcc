# Each place needs its neighbour of the step before, and the steps have unit strides.
pipeline = | interchange

func @witness() {
  input a: f32[6, 6]
  output y: f32[6, 6]
  for i in 0..6 { for j in 0..6 { y[i, j] = a[i, j] } }
  for t in 1..6 { for c in 0..5 { y[c, t] = y[c + 1, t - 1] + a[c, t] } }
}
