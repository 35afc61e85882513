# (0 - 1) div 2 is -1, outside of a.
pipeline = | simplify

func @witness() {
  input a: f32[3]
  output y: f32[6]
  for i in 0..6 {
    if 0 <= (i - 1) div 2 { y[i] = a[(i - 1) div 2] } else { y[i] = 7.0f32 }
  }
}
