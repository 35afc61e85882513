test passes = "expand_math"

func @sine() {
  input X: f64[2]
  output Y: f64[2]
  for i in 0..2 {
    Y[i] = sin(X[i])
  }
}
----
func @sine() {
  input X: f64[2]
  output Y: f64[2]
  for i in 0..2 {
    let sin.x: f64 = X[i]
    let sin.x.1: f64 = select(abs(sin.x) <= 35184372088832.0, sin.x, nan)
    let sin.pushed: f64 = sin.x.1 * 0.6366197723675814 + 6755399441055744.0
    let sin.n: f64 = sin.pushed - 6755399441055744.0
    let sin.n.int: i64 = tobits(sin.pushed) - 4843621399236968448
    let sin.coarse: f64 = fma(sin.n, -1.5707963267948966, sin.x.1)
    let sin.step: f64 = sin.n * -6.123233995736766e-17
    let sin.fine: f64 = sin.coarse + sin.step
    let sin.gained: f64 = sin.fine - sin.coarse
    let sin.error: f64 = fma(sin.n, 1.4973849048591698e-33, sin.coarse - (sin.fine - sin.gained) + (sin.step - sin.gained) + fma(sin.n, -6.123233995736766e-17, neg(sin.step)))
    let sin.r: f64 = sin.fine + sin.error
    let sin.low: f64 = sin.fine - sin.r + sin.error
    let sin.z: f64 = sin.r * sin.r
    let sin.half: f64 = sin.z * 0.5
    let sin.sin: f64 = sin.r + fma(sin.r * sin.z, fma(fma(fma(fma(fma(fma(-7.567858770633791e-13, sin.z, 1.6058162028230698e-10), sin.z, -2.5052103519284336e-8), sin.z, 2.755731921019633e-6), sin.z, -0.0001984126984125123), sin.z, 0.008333333333333325), sin.z, -0.16666666666666666), fma(sin.low, neg(sin.half), sin.low))
    let sin.top: f64 = 1.0 - sin.half
    let sin.cos: f64 = sin.top + (1.0 - sin.top - sin.half + (sin.z * sin.z * fma(fma(fma(fma(fma(fma(4.735396865320833e-14, sin.z, -1.147025537705165e-11), sin.z, 2.087675428242947e-9), sin.z, -2.7557319216318975e-7), sin.z, 2.4801587301576954e-5), sin.z, -0.0013888888888888883), sin.z, 0.041666666666666664) - sin.r * sin.low))
    Y[i] = select(abs(sin.x) < 3.725290298461914e-9, sin.x, frombits(xor(tobits(select(shl(sin.n.int, 63) < 0, sin.cos, sin.sin)), shl(shr(sin.n.int, 1), 63))))
  }
}
