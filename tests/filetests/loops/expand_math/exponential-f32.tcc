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
    let exp.raised: f32 = select(exp.x < -104.0f32, -104.0f32, exp.x)
    let exp.clamped: f32 = select(89.0f32 < exp.raised, 89.0f32, exp.raised)
    let exp.negative: bool = exp.clamped < 0.0f32
    let exp.magic: f32 = select(exp.negative, 12583103.0f32, 12583038.0f32)
    let exp.pushed: f32 = fma(exp.clamped, 1.4426950216293335f32, exp.magic)
    let exp.n: f32 = exp.pushed - exp.magic
    let exp.unit: f32 = frombits(shl(tobits(exp.pushed), 23i32))
    let exp.r: f32 = fma(exp.n, -3.194618329871446e-5f32, fma(exp.n, -0.693115234375f32, exp.clamped))
    Y[i] = fma(exp.unit, fma(exp.r * exp.r, fma(fma(fma(fma(fma(0.00019891247211489826f32, exp.r, 0.0013933881418779492f32), exp.r, 0.00833331048488617f32), exp.r, 0.041666463017463684f32), exp.r, 0.1666666716337204f32), exp.r, 0.5f32), exp.r), exp.unit) * select(exp.negative, 5.421010862427522e-20f32, 2.0f32)
  }
}
