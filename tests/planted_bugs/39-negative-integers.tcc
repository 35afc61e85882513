# As a number without a sign, -1 is the largest.
backends = cranelift
data a[3] = -1 2 -3
data b[3] = 1 -2 -5

func @witness() {
  input a: i32[3]
  input b: i32[3]
  output y: i32[3]
  for i in 0..3 { y[i] = max(a[i], b[i]) }
}
