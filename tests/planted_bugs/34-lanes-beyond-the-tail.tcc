# Five of sixteen lanes are left, and no number is as small as 0.
pipeline = | vectorize(4)
data a[37] = ramp

func @witness() {
  input a: f32[37]
  output y: f32
  y = 1000.0f32
  for i in 0..37 { y min= a[i] }
}
