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
    let erf.clamped: f32 = select(4.0f32 < abs(erf.x), 4.0f32, abs(erf.x))
    let erf.log2: f32 = fma(fma(fma(fma(fma(-0.001666882773861289f32, erf.clamped, 0.021378496661782265f32), erf.clamped, -0.12805646657943726f32), erf.clamped, -0.9439422488212585f32), erf.clamped, -1.6123396158218384f32), erf.clamped, -0.0037900644820183516f32)
    let erf.pushed: f32 = erf.log2 + 12583039.0f32
    let erf.unit: f32 = frombits(shl(tobits(erf.pushed), 23i32))
    let erf.r: f32 = erf.log2 - (erf.pushed - 12583039.0f32)
    Y[i] = select(1.0f32 < abs(erf.x), frombits(xor(tobits(1.0f32 - fma(erf.unit, erf.r * fma(fma(fma(fma(0.0013407267397269607f32, erf.r, 0.009671897627413273f32), erf.r, 0.055503081530332565f32), erf.r, 0.24022234976291656f32), erf.r, 0.6931472420692444f32), erf.unit)), shl(shr(tobits(erf.x), 31i32), 31i32))), erf.near)
  }
}
