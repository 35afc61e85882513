test passes = "expand_math"

func @exponential() {
  input X: f64[2]
  output Y: f64[2]
  for i in 0..2 {
    Y[i] = exp(X[i])
  }
}
----
func @exponential() {
  input X: f64[2]
  output Y: f64[2]
  for i in 0..2 {
    let exp.x: f64 = X[i]
    let exp.raised: f64 = select(exp.x < -746.0, -746.0, exp.x)
    let exp.clamped: f64 = select(710.0 < exp.raised, 710.0, exp.raised)
    let exp.negative: bool = exp.clamped < 0.0
    let exp.magic: f64 = select(exp.negative, 6755399441056895.0, 6755399441056766.0)
    let exp.pushed: f64 = fma(exp.clamped, 1.4426950408889634, exp.magic)
    let exp.n: f64 = exp.pushed - exp.magic
    let exp.unit: f64 = frombits(shl(tobits(exp.pushed), 52))
    let exp.r: f64 = fma(exp.n, -7.371002565167799e-13, fma(exp.n, -0.6931471805592082, exp.clamped))
    let exp.power: f64 = exp.r * exp.r
    let exp.power.1: f64 = exp.power * exp.power
    let exp.power.2: f64 = exp.power.1 * exp.power.1
    Y[i] = fma(exp.unit, fma(exp.r * exp.r, fma(fma(2.091488256348507e-9, exp.power, fma(2.5105490906986696e-8, exp.r, 2.7557273171941026e-7)), exp.power.2, fma(fma(fma(2.7557254740405416e-6, exp.r, 2.4801587325920163e-5), exp.power, fma(0.00019841269875342141, exp.r, 0.0013888888888883642)), exp.power.1, fma(fma(0.008333333333325985, exp.r, 0.04166666666666667), exp.power, fma(0.1666666666666667, exp.r, 0.5)))), exp.r), exp.unit) * select(exp.negative, 2.938735877055719e-39, 2.0)
  }
}
