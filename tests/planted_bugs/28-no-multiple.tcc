# 5 is larger than 3, but no multiple.
pipeline = | simplify

func @witness() {
  input a: f32[3]
  output y: f32[20]
  for i in 0..4 { for j in 0..5 { y[i * 5 + j] = a[(i * 5 + j) mod 3] } }
}
