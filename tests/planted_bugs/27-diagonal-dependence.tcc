# Each place needs its neighbour of the step before, the steps have unit strides, and the last indices agree.
pipeline = | interchange

func @witness() {
  input a: f32[6, 6, 1]
  output y: f32[6, 6, 1]
  for i in 0..6 { for j in 0..6 { y[i, j, 0] = a[i, j, 0] } }
  for t in 1..6 { for c in 0..5 { y[c, t, 0] = y[c + 1, t - 1, 0] + a[c, t, 0] } }
}
