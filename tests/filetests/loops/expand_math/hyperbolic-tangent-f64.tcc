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
    let tanh.h: f64 = fma(tanh.unit, fma(tanh.r * tanh.r, fma(fma(fma(fma(fma(fma(fma(fma(fma(fma(2.091488256348507e-9, tanh.r, 2.5105490906986696e-8), tanh.r, 2.7557273171941026e-7), tanh.r, 2.7557254740405416e-6), tanh.r, 2.4801587325920163e-5), tanh.r, 0.00019841269875342141), tanh.r, 0.0013888888888883642), tanh.r, 0.008333333333325985), tanh.r, 0.04166666666666667), tanh.r, 0.1666666666666667), tanh.r, 0.5), tanh.r), tanh.unit - 0.5)
    let tanh.z: f64 = tanh.clamped * tanh.clamped
    Y[i] = select(abs(tanh.x) < 3.725290298461914e-9, tanh.x, frombits(xor(tobits(select(tanh.clamped < 0.55, fma(tanh.clamped, tanh.z * fma(fma(fma(fma(fma(fma(fma(fma(fma(fma(fma(fma(-3.008709190166838e-6, tanh.z, 1.3341718234024865e-5), tanh.z, -3.806807511800823e-5), tanh.z, 9.653725003474032e-5), tanh.z, -0.0002390481146788672), tanh.z, 0.0005900154250179451), tanh.z, -0.0014558331604467294), tanh.z, 0.003592127952368774), tanh.z, -0.008863235526182385), tanh.z, 0.021869488536057215), tanh.z, -0.053968253968252625), tanh.z, 0.13333333333333333), tanh.z, -0.3333333333333333), tanh.clamped), tanh.h / (tanh.h + 1.0))), shl(shr(tobits(tanh.x), 63), 63))))
  }
}
