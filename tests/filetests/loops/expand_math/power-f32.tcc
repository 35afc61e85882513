test passes = "expand_math"

func @power() {
  input X: f32[2]
  output Y: f32[2]
  for i in 0..2 {
    Y[i] = pow(X[i], 2.5f32)
  }
}
----
func @power() {
  input X: f32[2]
  output Y: f32[2]
  for i in 0..2 {
    let pow.x: f32 = X[i]
    let pow.x.1: f64 = f64(pow.x)
    let pow.y: f64 = f64(2.5f32)
    let pow.a: f64 = abs(pow.x.1)
    let pow.small: bool = pow.a < 2.2250738585072014e-308
    let pow.normal: f64 = select(pow.small, pow.a * 1.8014398509481984e16, pow.a)
    let pow.bits: i64 = tobits(pow.normal)
    let pow.k: i64 = shr(pow.bits - 4604544271217802189, 52)
    let pow.m: f64 = frombits(pow.bits - shl(pow.k, 52))
    let pow.exponent: i64 = pow.k - select(pow.small, 54, 0)
    let pow.k.real: f64 = frombits(pow.exponent + 4843621399236968448) - 6755399441055744.0
    let pow.f: f64 = pow.m - 1.0
    let pow.below: f64 = pow.m + 1.0
    let pow.s: f64 = pow.f / pow.below
    let pow.s.low: f64 = fma(neg(pow.s), pow.m - (pow.below - 1.0), fma(neg(pow.s), pow.below, pow.f)) / pow.below
    let pow.product: f64 = pow.s * pow.s
    let pow.product.low: f64 = fma(pow.s, pow.s, neg(pow.product))
    let pow.z.low: f64 = fma(pow.s + pow.s, pow.s.low, pow.product.low)
    let pow.product.1: f64 = pow.s * pow.product
    let pow.product.low.1: f64 = fma(pow.s, pow.product, neg(pow.product.1))
    let pow.cube.low: f64 = fma(pow.s, pow.z.low, fma(pow.s.low, pow.product, pow.product.low.1))
    let pow.product.2: f64 = pow.product.1 * 0.6666666666666666
    let pow.product.low.2: f64 = fma(pow.product.1, 0.6666666666666666, neg(pow.product.2))
    let pow.s.2: f64 = pow.s + pow.s
    let pow.sum: f64 = pow.s.2 + pow.product.2
    let pow.sum.low: f64 = pow.product.2 - (pow.sum - pow.s.2)
    let pow.term: f64 = pow.sum.low + (pow.s.low + pow.s.low + fma(pow.product.1 * pow.product, fma(fma(fma(fma(fma(fma(fma(0.11725771221811145, pow.product, 0.11705988156500907), pow.product, 0.13334813971292003), pow.product, 0.15384594791762352), pow.product, 0.1818181833699257), pow.product, 0.2222222222164882), pow.product, 0.2857142857142938), pow.product, 0.4), fma(pow.product.1, 3.700743415417188e-17, fma(pow.cube.low, 0.6666666666666666, pow.product.low.2))))
    let pow.sum.1: f64 = pow.sum + pow.term
    let pow.sum.low.1: f64 = pow.term - (pow.sum.1 - pow.sum)
    let pow.k.ln2: f64 = pow.k.real * 0.6931471805592082
    let pow.sum.2: f64 = pow.k.ln2 + pow.sum.1
    let pow.sum.low.2: f64 = pow.sum.1 - (pow.sum.2 - pow.k.ln2)
    let pow.term.1: f64 = pow.sum.low.2 + (pow.sum.low.1 + pow.k.real * 7.371002565167799e-13)
    let pow.sum.3: f64 = pow.sum.2 + pow.term.1
    let pow.sum.low.3: f64 = pow.term.1 - (pow.sum.3 - pow.sum.2)
    let pow.e: f64 = pow.y * pow.sum.3
    let pow.e.low: f64 = select(abs(pow.e) < 800.0, fma(pow.y, pow.sum.low.3, fma(pow.y, pow.sum.3, neg(pow.e))), 0.0)
    let pow.raised: f64 = select(pow.e < -746.0, -746.0, pow.e)
    let pow.clamped: f64 = select(710.0 < pow.raised, 710.0, pow.raised)
    let pow.pushed: f64 = fma(pow.clamped, 1.4426950408889634, 6755399441055744.0)
    let pow.n: f64 = pow.pushed - 6755399441055744.0
    let pow.n.int: i64 = tobits(pow.pushed) - 4843621399236968448
    let pow.r: f64 = fma(pow.n, -7.371002565167799e-13, fma(pow.n, -0.6931471805592082, pow.clamped))
    let pow.r.low: f64 = pow.r + pow.e.low
    let pow.power: f64 = pow.r.low * pow.r.low
    let pow.power.1: f64 = pow.power * pow.power
    let pow.power.2: f64 = pow.power.1 * pow.power.1
    let pow.half: i64 = shr(pow.n.int, 1)
    let pow.whole: bool = floor(pow.y) == pow.y
    let pow.y.half: f64 = pow.y * 0.5
    let pow.negative: bool = tobits(pow.x.1) < 0
    let pow.value: f64 = select(pow.a == 1.0, 1.0, select(pow.a == 0.0 or (pow.a == inf or abs(pow.y) == inf), select(1.0 < pow.a and 0.0 < pow.y or not(1.0 < pow.a) and not(0.0 < pow.y), inf, 0.0), (fma(pow.r.low * pow.r.low, fma(fma(2.091488256348507e-9, pow.power, fma(2.5105490906986696e-8, pow.r.low, 2.7557273171941026e-7)), pow.power.2, fma(fma(fma(2.7557254740405416e-6, pow.r.low, 2.4801587325920163e-5), pow.power, fma(0.00019841269875342141, pow.r.low, 0.0013888888888883642)), pow.power.1, fma(fma(0.008333333333325985, pow.r.low, 0.04166666666666667), pow.power, fma(0.1666666666666667, pow.r.low, 0.5)))), pow.r.low) + 1.0) * frombits(shl(pow.half + 1023, 52)) * frombits(shl(pow.n.int - pow.half + 1023, 52))))
    Y[i] = f32(select(pow.y == 0.0 or pow.x.1 == 1.0, 1.0, select(pow.x.1 < 0.0 and pow.a < inf and not(pow.whole) or (isnan(pow.x.1) or isnan(pow.y)), nan, select(pow.negative and (pow.whole and (not(floor(pow.y.half) == pow.y.half) and abs(pow.y) < 9007199254740992.0)), neg(pow.value), pow.value))))
  }
}
