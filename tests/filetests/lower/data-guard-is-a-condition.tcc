test lower

graph @guarded(n; %x: f32[i:n], %m: i64[i:n]) {
  %0 = const 0 : i64
  %1 = ne %m, %0 : bool[i:n]
  %2 = const 0.0 : f32
  %3 = select %1, %x, %2 : f32[i:n]
  %4 y = sum[i] %3 : f32
  return y = %4[]
}
----
func @guarded(n) {
  input x: f32[n]
  input m: i64[n]
  output y: f32
  scratch y.acc: f32
  y.acc = 0.0f32
  for i in 0..n {
    if m[i] != 0 {
      y.acc += x[i]
    }
  }
  y = y.acc
}
