test passes = "expand_math"

func @roots() {
  input X: f32[4]
  output Y: f32[4]
  for i in 0..4 {
    Y[i] = cbrt(X[i]) + sqrt(abs(X[i]))
  }
}
----
func @roots() {
  input X: f32[4]
  output Y: f32[4]
  for i in 0..4 {
    let cbrt.x: f32 = X[i]
    let cbrt.a: f32 = abs(cbrt.x)
    let cbrt.small: bool = cbrt.a < 1.1754943508222875e-38f32
    let cbrt.normal: f32 = select(cbrt.small, cbrt.a * 16777216.0f32, cbrt.a)
    let cbrt.bits: i32 = tobits(cbrt.normal)
    let cbrt.k: i32 = shr(cbrt.bits - 1065353216i32, 23i32)
    let cbrt.m: f32 = frombits(cbrt.bits - shl(cbrt.k, 23i32))
    let cbrt.exponent: i32 = cbrt.k - select(cbrt.small, 24i32, 0i32)
    let cbrt.k.real: f32 = frombits(cbrt.exponent + 1262485504i32) - 12582912.0f32
    let cbrt.q: f32 = floor(fma(cbrt.k.real, 0.3333333432674408f32, 0.1666666716337204f32))
    let cbrt.rest: f32 = fma(cbrt.q, -3.0f32, cbrt.k.real)
    let cbrt.rest.0: bool = cbrt.rest == 0.0f32
    let cbrt.rest.1: bool = cbrt.rest == 1.0f32
    let cbrt.scaled: f32 = cbrt.m * select(cbrt.rest.0, 1.0f32, select(cbrt.rest.1, 2.0f32, 4.0f32))
    let cbrt.y: f32 = fma(fma(fma(0.022148698568344116f32, cbrt.m, -0.15866245329380035f32), cbrt.m, 0.5808264017105103f32), cbrt.m, 0.5557909607887268f32) * select(cbrt.rest.0, 1.0f32, select(cbrt.rest.1, 1.2599210739135742f32, 1.587401032447815f32))
    let cbrt.cube: f32 = cbrt.y * cbrt.y * cbrt.y
    let cbrt.better: f32 = cbrt.y * (fma(cbrt.scaled, 2.0f32, cbrt.cube) / fma(cbrt.cube, 2.0f32, cbrt.scaled))
    let cbrt.square: f32 = cbrt.better * cbrt.better
    let cbrt.cube.better: f32 = cbrt.square * cbrt.better
    Y[i] = select(0.0f32 < cbrt.a and cbrt.a < inf_f32, frombits(xor(tobits((cbrt.better + (cbrt.scaled - cbrt.cube.better - fma(fma(cbrt.better, cbrt.better, neg(cbrt.square)), cbrt.better, fma(cbrt.square, cbrt.better, neg(cbrt.cube.better)))) / (cbrt.square * 3.0f32)) * frombits(shl(tobits(cbrt.q + 12582912.0f32) - 1262485504i32 + 127i32, 23i32))), shl(shr(tobits(cbrt.x), 31i32), 31i32))), cbrt.x) + sqrt(abs(X[i]))
  }
}
