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
    let erf.clamped: f32 = select(4.0f32 < abs(erf.x), 4.0f32, select(abs(erf.x) < 0.5f32, 0.5f32, abs(erf.x)))
    let erf.square: f32 = neg(erf.clamped * erf.clamped)
    let erf.pushed: f32 = fma(erf.square, 1.4426950216293335f32, 12583039.0f32)
    let erf.n: f32 = erf.pushed - 12583039.0f32
    let erf.unit: f32 = frombits(shl(tobits(erf.pushed), 23i32))
    let erf.r: f32 = fma(erf.n, -3.194618329871446e-5f32, fma(erf.n, -0.693115234375f32, erf.square))
    let erf.top: f32 = erf.clamped + 3.0f32
    let erf.double: f32 = fma(erf.clamped, 2.0f32, 1.0f32)
    let erf.inverse: f32 = 1.0f32 / (erf.top * erf.double)
    let erf.t: f32 = (erf.clamped - 3.0f32) * erf.double * erf.inverse
    Y[i] = select(1.0f32 < abs(erf.x), frombits(xor(tobits(1.0f32 - fma(erf.unit, fma(erf.r * erf.r, fma(fma(fma(fma(fma(0.00019891247211489826f32, erf.r, 0.0013933881418779492f32), erf.r, 0.00833331048488617f32), erf.r, 0.041666463017463684f32), erf.r, 0.1666666716337204f32), erf.r, 0.5f32), erf.r), erf.unit) * (fma(fma(fma(fma(fma(fma(fma(fma(fma(fma(-0.0001891500287456438f32, erf.t, -0.0006949130329303443f32), erf.t, 0.00195704004727304f32), erf.t, 0.0025080335326492786f32), erf.t, -0.023789774626493454f32), erf.t, 0.06831033527851105f32), erf.t, -0.11927144229412079f32), erf.t, 0.12964504957199097f32), erf.t, -0.047562383115291595f32), erf.t, -0.1356211006641388f32), erf.t, 1.2530080080032349f32) * (erf.top * erf.inverse))), shl(shr(tobits(erf.x), 31i32), 31i32))), erf.near)
  }
}
