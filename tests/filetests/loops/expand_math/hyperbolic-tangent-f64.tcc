test passes = "expand_math"

func @hyperbolic_tangent() {
  input X: f64[2]
  output Y: f64[2]
  for i in 0..2 {
    Y[i] = tanh(X[i])
  }
}
----
func @hyperbolic_tangent() {
  input X: f64[2]
  output Y: f64[2]
  for i in 0..2 {
    let tanh.x: f64 = X[i]
    let tanh.clamped: f64 = select(22.0 < abs(tanh.x), 22.0, abs(tanh.x))
    let tanh.twice: f64 = tanh.clamped + tanh.clamped
    let tanh.pushed: f64 = fma(tanh.twice, 1.4426950408889634, 6755399441056766.0)
    let tanh.n: f64 = tanh.pushed - 6755399441056766.0
    let tanh.unit: f64 = frombits(shl(tobits(tanh.pushed), 52))
    let tanh.r: f64 = fma(tanh.n, -7.371002565167799e-13, fma(tanh.n, -0.6931471805592082, tanh.twice))
    let tanh.power: f64 = tanh.r * tanh.r
    let tanh.power.1: f64 = tanh.power * tanh.power
    let tanh.power.2: f64 = tanh.power.1 * tanh.power.1
    let tanh.h: f64 = fma(tanh.unit, fma(tanh.r * tanh.r, fma(fma(2.091488256348507e-9, tanh.power, fma(2.5105490906986696e-8, tanh.r, 2.7557273171941026e-7)), tanh.power.2, fma(fma(fma(2.7557254740405416e-6, tanh.r, 2.4801587325920163e-5), tanh.power, fma(0.00019841269875342141, tanh.r, 0.0013888888888883642)), tanh.power.1, fma(fma(0.008333333333325985, tanh.r, 0.04166666666666667), tanh.power, fma(0.1666666666666667, tanh.r, 0.5)))), tanh.r), tanh.unit - 0.5)
    let tanh.far: f64 = tanh.h / (tanh.h + 1.0)
    Y[i] = frombits(xor(tobits(select(tanh.clamped < 0.45, fma(tanh.h, neg(tanh.far), tanh.h), tanh.far)), shl(shr(tobits(tanh.x), 63), 63)))
  }
}
