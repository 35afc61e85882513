test lower

graph @rfft(n; %x: f32[i:n]) {
  %0 y = rfft[i -> k] %x : c64[k:(n div 2) + 1]
  return y = %0[k]
}
----
func @rfft(n) {
  input x: f32[n]
  output y: c64[(n div 2) + 1]
  scratch y.roots: c64[n]
  scratch y.line: c64[n]
  scratch y.sum: c64
  scratch y.turn: i64
  for y.x in 0..n {
    let y.angle: f64 = -6.283185307179586 * f64(y.x) / f64(n)
    y.roots[y.x] = complex(f32(cos(y.angle)), f32(sin(y.angle)))
  }
  for i in 0..n {
    y.line[i] = complex(x[i], 0.0f32)
  }
  for k in 0..n div 2 + 1 {
    y.sum = (0.0, 0.0)c64
    y.turn = 0
    for i.1 in 0..n {
      let y.1: c64 = y.line[i.1]
      y.sum += y.1 * y.roots[y.turn]
      let y.next: i64 = y.turn + k
      let y.next.1: i64 = select(y.next < n, y.next, y.next - n)
      y.turn = y.next.1
    }
    y[k] = y.sum
  }
}
