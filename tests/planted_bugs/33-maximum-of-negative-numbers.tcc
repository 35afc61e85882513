# All numbers are below the neutral element of a sum.
pipeline = | vectorize(4)
data a[37] = -1 -2 -3 -4 -5 -6 -7 -8 -9 -1 -2 -3 -4 -5 -6 -7 -8 -9 -1 -2 -3 -4 -5 -6 -7 -8 -9 -1 -2 -3 -4 -5 -6 -7 -8 -9 -9

func @witness() {
  input a: i32[37]
  output y: i32
  y = -1000i32
  for i in 0..37 { y max= a[i] }
}
