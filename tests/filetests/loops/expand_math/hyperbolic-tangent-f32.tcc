test passes = "expand_math"

func @hyperbolic_tangent() {
  input X: f32[2]
  output Y: f32[2]
  for i in 0..2 {
    Y[i] = tanh(X[i])
  }
}
----
func @hyperbolic_tangent() {
  input X: f32[2]
  output Y: f32[2]
  for i in 0..2 {
    let tanh.x: f32 = X[i]
    let tanh.clamped: f32 = select(10.0f32 < abs(tanh.x), 10.0f32, abs(tanh.x))
    let tanh.twice: f32 = tanh.clamped + tanh.clamped
    let tanh.pushed: f32 = fma(tanh.twice, 1.4426950216293335f32, 12583038.0f32)
    let tanh.n: f32 = tanh.pushed - 12583038.0f32
    let tanh.unit: f32 = frombits(shl(tobits(tanh.pushed), 23i32))
    let tanh.r: f32 = fma(tanh.n, -3.194618329871446e-5f32, fma(tanh.n, -0.693115234375f32, tanh.twice))
    let tanh.h: f32 = fma(tanh.unit, fma(tanh.r * tanh.r, fma(fma(fma(fma(fma(0.00019891247211489826f32, tanh.r, 0.0013933881418779492f32), tanh.r, 0.00833331048488617f32), tanh.r, 0.041666463017463684f32), tanh.r, 0.1666666716337204f32), tanh.r, 0.5f32), tanh.r), tanh.unit - 0.5f32)
    let tanh.far: f32 = tanh.h / (tanh.h + 1.0f32)
    Y[i] = frombits(xor(tobits(select(tanh.clamped < 0.44999998807907104f32, fma(tanh.h, neg(tanh.far), tanh.h), tanh.far)), shl(shr(tobits(tanh.x), 31i32), 31i32)))
  }
}
