test passes = "expand_math"

func @error_function() {
  input X: f32[2]
  output Y: f32[2]
  for i in 0..2 {
    Y[i] = erf(X[i])
  }
}
----
func @error_function() {
  input X: f32[2]
  output Y: f32[2]
  for i in 0..2 {
    let erf.x: f32 = X[i]
    let erf.z: f32 = erf.x * erf.x
    let erf.near: f32 = fma(erf.x, fma(fma(fma(fma(fma(fma(7.875545998103917e-5f32, erf.z, -0.0008016773499548435f32), erf.z, 0.0051890779286623f32), erf.z, -0.02685420773923397f32), erf.z, 0.11283594369888306f32), erf.z, -0.3761262595653534f32), erf.z, 0.12837916612625122f32), erf.x)
    let erf.clamped: f32 = select(10.300000190734863f32 < abs(erf.x), 10.300000190734863f32, select(abs(erf.x) < 0.5f32, 0.5f32, abs(erf.x)))
    let erf.square: f32 = erf.clamped * erf.clamped
    let erf.lost: f32 = fma(erf.clamped, erf.clamped, neg(erf.square))
    let erf.pushed: f32 = neg(erf.square) * 1.4426950216293335f32 + 12582912.0f32
    let erf.n: f32 = erf.pushed - 12582912.0f32
    let erf.n.int: i32 = tobits(erf.pushed) - 1262485504i32
    let erf.r: f32 = fma(erf.n, -3.194618329871446e-5f32, fma(erf.n, -0.693115234375f32, neg(erf.square)))
    let erf.exponent: f32 = erf.r - erf.lost
    let erf.t: f32 = (erf.clamped - 3.0f32) / (erf.clamped + 3.0f32)
    let erf.half: i32 = shr(erf.n.int, 1i32)
    let erf.far: f32 = (fma(erf.exponent * erf.exponent, fma(fma(fma(fma(fma(0.00019891247211489826f32, erf.exponent, 0.0013933881418779492f32), erf.exponent, 0.00833331048488617f32), erf.exponent, 0.041666463017463684f32), erf.exponent, 0.1666666716337204f32), erf.exponent, 0.5f32), erf.exponent) + 1.0f32) * (fma(fma(fma(fma(fma(fma(fma(fma(fma(fma(-0.0001891500287456438f32, erf.t, -0.0006949130329303443f32), erf.t, 0.00195704004727304f32), erf.t, 0.0025080335326492786f32), erf.t, -0.023789774626493454f32), erf.t, 0.06831033527851105f32), erf.t, -0.11927144229412079f32), erf.t, 0.12964504957199097f32), erf.t, -0.047562383115291595f32), erf.t, -0.1356211006641388f32), erf.t, 1.2530080080032349f32) / fma(erf.clamped, 2.0f32, 1.0f32)) * frombits(shl(erf.half + 127i32, 23i32)) * frombits(shl(erf.n.int - erf.half + 127i32, 23i32))
    Y[i] = select(1.0f32 < abs(erf.x), frombits(xor(tobits(1.0f32 - erf.far), shl(shr(tobits(erf.x), 31i32), 31i32))), erf.near)
  }
}
