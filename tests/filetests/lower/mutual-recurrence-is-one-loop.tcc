test lower

graph @mutual(n; %x: f32[t:n]) {
  %0 = state t forward : f32[t:n]
  %1 = state t forward : f32[t:n]
  %2 = index t : i64[t:n]
  %3 = const 1 : i64
  %4 = sub %2, %3 : i64[t:n]
  %5 = const 1.0 : f32
  %6 = access %1[%4 | %5] : f32[t:n]
  %7 b = mul %6, %x : f32[t:n]
  %8 = const 0.0 : f32
  %9 = access %0[%4 | %8] : f32[t:n]
  %10 a = add %9, %x : f32[t:n]
  %11 b = recur.0 {%0 <- %7, %1 <- %10} : f32[t:n]
  return b = %11[t]
}
----
func @mutual(n) {
  input x: f32[n]
  output b: f32[n]
  scratch a: f32[2]
  scratch read: f32
  if 0 < n {
    b[0] = 0.0f32
  }
  a[1] = 1.0f32
  for t in 0..n {
    let sub: i64 = t - 1
    b[t] = a[sub mod 2] * x[t]
    read = 0.0f32
    if 0 <= sub {
      read = b[sub]
    }
    a[t mod 2] = read + x[t]
  }
}
