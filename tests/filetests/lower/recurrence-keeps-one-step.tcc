test lower

graph @running(n, m; %x: f32[t:n, c:m]) {
  %0 = state t forward : f32[t:n, c:m]
  %1 = const 1 : i64
  %2 = index t : i64[t:n]
  %3 = sub %2, %1 : i64[t:n]
  %4 = const 0.0 : f32
  %5 = index c : i64[c:m]
  %6 = access %0 [%3, %5 | %4] : f32[t:n, c:m]
  %7 = add %6, %x : f32[t:n, c:m]
  %8 h = recur.0 {%0 <- %7} : f32[t:n, c:m]
  %9 y = sum[c] %8 : f32[t:n]
  return y = %9[t]
}
----
func @running(n, m) {
  input x: f32[n, m]
  output y: f32[n]
  scratch h: f32[2, m]
  scratch y.acc: f32
  for c in 0..m {
    h[1, c] = 0.0f32
  }
  for t in 0..n {
    for c.1 in 0..m {
      h[t mod 2, c.1] = h[(t - 1) mod 2, c.1] + x[t, c.1]
    }
    y.acc = 0.0f32
    for c.2 in 0..m {
      y.acc += h[t mod 2, c.2]
    }
    y[t] = y.acc
  }
}
