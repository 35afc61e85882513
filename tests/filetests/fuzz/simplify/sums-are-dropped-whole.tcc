test fuzz = "| simplify"
contract = strict
inputs = exact 1
fuel = 1

func @unread() {
  input X: f32[3]
  output Y: f32[3]
  scratch sum: f32
  sum = 0.0f32
  for i in 0..3 {
    sum += X[i]
    Y[i] = X[i]
  }
}
----
holds
