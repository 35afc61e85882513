test lower

graph @backward(n; %x: f32[t:n]) {
  %0 = state t backward : f32[t:n]
  %1 = index t : i64[t:n]
  %2 = const 1 : i64
  %3 = add %1, %2 : i64[t:n]
  %4 = const 0.0 : f32
  %5 = access %0[%3 | %4] : f32[t:n]
  %6 h = add %5, %x : f32[t:n]
  %7 h = recur.0 {%0 <- %6} : f32[t:n]
  return h = %7[t]
}
----
func @backward(n) {
  input x: f32[n]
  output h: f32[n]
  scratch read: f32
  if 0 < n {
    h[n - 1] = 0.0f32
  }
  for t in 0..n {
    let t.1: i64 = n - 1 - t
    read = 0.0f32
    if t.1 + 1 < n {
      read = h[t.1 + 1]
    }
    h[t.1] = read + x[t.1]
  }
}
