test lower

graph @wave(n; %x: f32[t:n]) {
  %0 = state t forward : f32[t:n]
  %1 = index t : i64[t:n]
  %2 = const 1 : i64
  %3 = sub %1, %2 : i64[t:n]
  %4 = const 0.0 : f32
  %5 = access %0[%3 | %4] : f32[t:n]
  %6 = const 2 : i64
  %7 = sub %1, %6 : i64[t:n]
  %8 = access %0[%7 | %4] : f32[t:n]
  %9 = sub %5, %8 : f32[t:n]
  %10 = add %9, %x : f32[t:n]
  %11 u = recur.0 {%0 <- %10} : f32[t:n]
  %12 y = mul %11, %x : f32[t:n]
  return y = %12[t]
}
----
func @wave(n) {
  input x: f32[n]
  output y: f32[n]
  scratch u: f32[3]
  u[2] = 0.0f32
  u[1] = 0.0f32
  for t in 0..n {
    u[t mod 3] = u[(t - 1) mod 3] - u[(t - 2) mod 3] + x[t]
    y[t] = u[t mod 3] * x[t]
  }
}
