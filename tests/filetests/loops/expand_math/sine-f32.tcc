test passes = "expand_math"

func @sine() {
  input X: f32[2]
  output Y: f32[2]
  for i in 0..2 {
    Y[i] = sin(X[i])
  }
}
----
func @sine() {
  input X: f32[2]
  output Y: f32[2]
  for i in 0..2 {
    let sin.x: f32 = X[i]
    let sin.x.1: f32 = select(abs(sin.x) <= 1125899906842624.0f32, sin.x, nan_f32)
    let sin.wide: f64 = f64(sin.x.1)
    let sin.pushed: f64 = sin.wide * 0.6366197723675814 + 6755399441055744.0
    let sin.n: f64 = sin.pushed - 6755399441055744.0
    let sin.n.int: i64 = tobits(sin.pushed) - 4843621399236968448
    let sin.rest: f64 = fma(sin.n, -6.123233995736766e-17, fma(sin.n, -1.5707963267948966, sin.wide))
    let sin.r: f32 = f32(sin.rest)
    let sin.quarter: i32 = i32(sin.n.int)
    let sin.low: f32 = f32(sin.rest - f64(sin.r))
    let sin.z: f32 = sin.r * sin.r
    let sin.half: f32 = sin.z * 0.5f32
    let sin.sin: f32 = sin.r + fma(sin.r * sin.z, fma(fma(fma(2.7154360395797994e-6f32, sin.z, -0.00019839234300889075f32), sin.z, 0.008333330042660236f32), sin.z, -0.1666666716337204f32), fma(sin.low, neg(sin.half), sin.low))
    let sin.top: f32 = 1.0f32 - sin.half
    let sin.cos: f32 = sin.top + (1.0f32 - sin.top - sin.half + (sin.z * sin.z * fma(fma(fma(-2.722117642406374e-7f32, sin.z, 2.4799888706183992e-5f32), sin.z, -0.0013888885732740164f32), sin.z, 0.0416666679084301f32) - sin.r * sin.low))
    Y[i] = select(abs(sin.x) < 0.0001220703125f32, sin.x, frombits(xor(tobits(select(shl(sin.quarter, 31i32) < 0i32, sin.cos, sin.sin)), shl(shr(sin.quarter, 1i32), 31i32))))
  }
}
