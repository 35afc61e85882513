test passes = "expand_math"

func @exponential() {
  input X: f32[2]
  output Y: f32[2]
  for i in 0..2 {
    Y[i] = exp(X[i])
  }
}
----
func @exponential() {
  input X: f32[2]
  output Y: f32[2]
  for i in 0..2 {
    let exp.x: f32 = X[i]
    let exp.clamped: f32 = select(89.0f32 < exp.x, 89.0f32, select(exp.x < -104.0f32, -104.0f32, exp.x))
    let exp.pushed: f32 = exp.clamped * 1.4426950216293335f32 + 12582912.0f32
    let exp.n: f32 = exp.pushed - 12582912.0f32
    let exp.n.int: i32 = tobits(exp.pushed) - 1262485504i32
    let exp.r: f32 = fma(exp.n, -3.194618329871446e-5f32, fma(exp.n, -0.693115234375f32, exp.clamped))
    let exp.half: i32 = shr(exp.n.int, 1i32)
    Y[i] = (fma(exp.r * exp.r, fma(fma(fma(fma(fma(0.00019891247211489826f32, exp.r, 0.0013933881418779492f32), exp.r, 0.00833331048488617f32), exp.r, 0.041666463017463684f32), exp.r, 0.1666666716337204f32), exp.r, 0.5f32), exp.r) + 1.0f32) * frombits(shl(exp.half + 127i32, 23i32)) * frombits(shl(exp.n.int - exp.half + 127i32, 23i32))
  }
}
