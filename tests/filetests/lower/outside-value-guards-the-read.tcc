test lower

graph @difference(n; %x: f32[i:n]) {
  %0 = index i : i64[i:n]
  %1 = const 1 : i64
  %2 = sub %0, %1 : i64[i:n]
  %3 = const 0.0 : f32
  %4 = access %x[%2 | %3] : f32[i:n]
  %5 y = sub %x, %4 : f32[i:n]
  return y = %5[i]
}
----
func @difference(n) {
  input x: f32[n]
  output y: f32[n]
  scratch read: f32
  for i in 0..n {
    read = 0.0f32
    if 0 <= i - 1 {
      read = x[i - 1]
    }
    y[i] = x[i] - read
  }
}
