test passes = "expand_math"

func @logarithm() {
  input X: f64[2]
  output Y: f64[2]
  for i in 0..2 {
    Y[i] = log(X[i])
  }
}
----
func @logarithm() {
  input X: f64[2]
  output Y: f64[2]
  for i in 0..2 {
    let log.x: f64 = X[i]
    let log.small: bool = log.x < 2.2250738585072014e-308
    let log.normal: f64 = select(log.small, log.x * 1.8014398509481984e16, log.x)
    let log.bits: i64 = tobits(log.normal)
    let log.k: i64 = shr(log.bits - 4604544271217802189, 52)
    let log.m: f64 = frombits(log.bits - shl(log.k, 52))
    let log.exponent: i64 = log.k - select(log.small, 54, 0)
    let log.f: f64 = log.m - 1.0
    let log.k.real: f64 = frombits(log.exponent + 4843621399236968448) - 6755399441055744.0
    let log.s: f64 = log.f / (log.f + 2.0)
    let log.z: f64 = log.s * log.s
    let log.square: f64 = log.f * (log.f * 0.5)
    Y[i] = select(log.x < 0.0, nan, select(log.x == 0.0, -inf, select(log.x < inf, fma(log.k.real, 0.6931471805592082, log.f - (log.square - fma(log.s, log.square + log.z * fma(fma(fma(fma(fma(fma(0.14619343453512615, log.z, 0.15331487235865734), log.z, 0.18182896183483085), log.z, 0.2222221103781659), log.z, 0.28571428626570206), log.z, 0.3999999999989819), log.z, 0.666666666666667), fma(log.k.real, 7.371002565167799e-13, 0.0)))), log.x)))
  }
}
