test lower

graph @diagonal(n; %A: f32[i:n, n:n]) {
  %0 = index i : i64[i:n]
  %1 y = access %A[%0, %0] : f32[i:n]
  return y = %1[i]
}
----
func @diagonal(n) {
  input A: f32[n, n]
  output y: f32[n]
  for i in 0..n {
    y[i] = A[i, i]
  }
}
