test lower

graph @fft(%x: c64[i:4]) {
  %0 y = fft[i -> k] %x : c64[k:4]
  return y = %0[k]
}
----
func @fft() {
  input x: c64[4]
  output y: c64[4]
  table roots.4: c64[4] = dft
  let y.1: c64 = x[0]
  let y.2: c64 = x[1]
  let y.3: c64 = x[2]
  let y.4: c64 = x[3]
  let y.5: c64 = y.1 + y.3
  let y.6: c64 = y.1 - y.3
  let y.7: c64 = y.2 + y.4
  let y.8: c64 = y.4 - y.2
  let y.9: c64 = complex(neg(im(y.8)), re(y.8))
  y[0] = y.5 + y.7
  y[1] = y.6 + y.9
  y[2] = y.5 - y.7
  y[3] = y.6 - y.9
}
