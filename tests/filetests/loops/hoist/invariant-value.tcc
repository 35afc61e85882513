test passes = "hoist"

func @scale(n, m) {
  input X: f32[n]
  output Y: f32[n, m]
  for i in 0..n {
    for j in 0..m {
      Y[i, j] = X[i] * exp(f32(i) / f32(m))
    }
  }
}
----
func @scale(n, m) {
  input X: f32[n]
  output Y: f32[n, m]
  let cast.h: f32 = f32(m)
  for i in 0..n {
    let mul.h: f32 = X[i] * exp(f32(i) / cast.h)
    for j in 0..m {
      Y[i, j] = mul.h
    }
  }
}
