test passes = "expand_math"

func @logarithm() {
  input X: f32[2]
  output Y: f32[2]
  for i in 0..2 {
    Y[i] = log(X[i])
  }
}
----
func @logarithm() {
  input X: f32[2]
  output Y: f32[2]
  for i in 0..2 {
    let log.x: f32 = X[i]
    let log.small: bool = log.x < 1.1754943508222875e-38f32
    let log.normal: f32 = select(log.small, log.x * 16777216.0f32, log.x)
    let log.bits: i32 = tobits(log.normal)
    let log.k: i32 = shr(log.bits - 1060439283i32, 23i32)
    let log.m: f32 = frombits(log.bits - shl(log.k, 23i32))
    let log.exponent: i32 = log.k - select(log.small, 24i32, 0i32)
    let log.f: f32 = log.m - 1.0f32
    let log.k.real: f32 = frombits(log.exponent + 1262485504i32) - 12582912.0f32
    let log.s: f32 = log.f / (log.f + 2.0f32)
    let log.z: f32 = log.s * log.s
    let log.square: f32 = log.f * (log.f * 0.5f32)
    Y[i] = select(log.x < 0.0f32, nan_f32, select(log.x == 0.0f32, -inf_f32, select(log.x < inf_f32, fma(log.k.real, 0.693115234375f32, log.f - (log.square - fma(log.s, log.square + log.z * fma(fma(0.29582157731056213f32, log.z, 0.3998873233795166f32), log.z, 0.6666668653488159f32), fma(log.k.real, 3.194618329871446e-5f32, 0.0f32)))), log.x)))
  }
}
