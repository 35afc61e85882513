test fuzz = "| reuse_buffers"
size n = 3
contract = strict
inputs = exact 1
backends = cranelift

func @staged(n) {
  input x: f32[7, 5]
  input y: c128[n, n]
  output a: f32[5, 7]
  output b: c128[n, n]
  scratch s: f32[7, 5] strides [20, 2]
  scratch t: c128[n, n] strides [2, 2*n]
  scratch u: f32[4] strides [3]
  for i in 0..7 {
    for j in 0..5 {
      s[i, j] = x[i, j]
    }
  }
  for i.1 in 0..n {
    for j.1 in 0..n {
      t[i.1, j.1] = y[i.1, j.1]
    }
  }
  for k in 0..4 {
    u[k] = x[k, 0]
  }
  for i.2 in 0..7 {
    for j.2 in 0..5 {
      a[j.2, i.2] = s[i.2, j.2] + u[j.2 mod 4]
    }
  }
  for i.3 in 0..n {
    for j.3 in 0..n {
      b[j.3, i.3] = t[i.3, j.3]
    }
  }
}
----
holds
