test passes = "expand_math"

func @error_function() {
  input X: f64[2]
  output Y: f64[2]
  for i in 0..2 {
    Y[i] = erf(X[i])
  }
}
----
func @error_function() {
  input X: f64[2]
  output Y: f64[2]
  for i in 0..2 {
    let erf.x: f64 = X[i]
    let erf.z: f64 = erf.x * erf.x
    let erf.near: f64 = fma(erf.x, fma(fma(fma(fma(fma(fma(fma(fma(fma(fma(fma(fma(5.956905633653031e-11, erf.z, -1.1372693191126323e-9), erf.z, 1.4659736155673959e-8), erf.z, -1.6350307065234626e-7), erf.z, 1.6460999970345427e-6), erf.z, -1.4925595235970651e-5), erf.z, 0.00012055331110409494), erf.z, -0.0008548326980801447), erf.z, 0.0052239776248174784), erf.z, -0.02686617064507674), erf.z, 0.11283791670954878), erf.z, -0.3761263890318375), erf.z, 0.1283791670955126), erf.x)
    let erf.raised: f64 = select(abs(erf.x) < 0.5, 0.5, abs(erf.x))
    let erf.clamped: f64 = select(6.0 < erf.raised, 6.0, erf.raised)
    let erf.square: f64 = neg(erf.clamped * erf.clamped)
    let erf.pushed: f64 = fma(erf.square, 1.4426950408889634, 6755399441056767.0)
    let erf.n: f64 = erf.pushed - 6755399441056767.0
    let erf.unit: f64 = frombits(shl(tobits(erf.pushed), 52))
    let erf.r: f64 = fma(erf.n, -7.371002565167799e-13, fma(erf.n, -0.6931471805592082, erf.square))
    let erf.power: f64 = erf.r * erf.r
    let erf.power.1: f64 = erf.power * erf.power
    let erf.power.2: f64 = erf.power.1 * erf.power.1
    let erf.top: f64 = erf.clamped + 3.0
    let erf.double: f64 = fma(erf.clamped, 2.0, 1.0)
    let erf.inverse: f64 = 1.0 / (erf.top * erf.double)
    let erf.t: f64 = (erf.clamped - 3.0) * erf.double * erf.inverse
    Y[i] = select(1.0 < abs(erf.x), frombits(xor(tobits(1.0 - fma(erf.unit, fma(erf.r * erf.r, fma(fma(2.091488256348507e-9, erf.power, fma(2.5105490906986696e-8, erf.r, 2.7557273171941026e-7)), erf.power.2, fma(fma(fma(2.7557254740405416e-6, erf.r, 2.4801587325920163e-5), erf.power, fma(0.00019841269875342141, erf.r, 0.0013888888888883642)), erf.power.1, fma(fma(0.008333333333325985, erf.r, 0.04166666666666667), erf.power, fma(0.1666666666666667, erf.r, 0.5)))), erf.r), erf.unit) * (fma(fma(fma(fma(fma(fma(fma(fma(fma(fma(fma(fma(fma(fma(fma(fma(fma(fma(fma(fma(fma(fma(-4.336368740303364e-9, erf.t, -1.0645556253175624e-8), erf.t, 3.425864841281962e-8), erf.t, 9.873766274044104e-8), erf.t, -1.3434782089576666e-7), erf.t, -6.145935469896456e-7), erf.t, 3.5270573932933196e-7), erf.t, 3.471590922188021e-6), erf.t, -7.300584944122771e-7), erf.t, -2.0100366204579723e-5), erf.t, 4.949171856598834e-6), erf.t, 0.00012509932517614915), erf.t, -0.00010515976006998048), erf.t, -0.0007798322711238722), erf.t, 0.0018886903563882266), erf.t, 0.0025293918163012867), erf.t, -0.023770514918535), erf.t, 0.06830802734394606), erf.t, -0.11927366341531184), erf.t, 0.129645158702762), erf.t, -0.04756229435345069), erf.t, -0.1356211061245812), erf.t, 1.2530080582697296) * (erf.top * erf.inverse))), shl(shr(tobits(erf.x), 63), 63))), erf.near)
  }
}
