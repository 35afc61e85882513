test rule = "sum-at-place"

graph @diagonal(n, m; %A: f64[i:n, j:m]) {
  %0 = index i : i64[i:n]
  %1 = index j : i64[j:m]
  %2 = eq %0, %1 : bool[i:n, j:m]
  %3 = const 0.0 : f64
  %4 = select %2, %A, %3 : f64[i:n, j:m]
  %5 = sum[j] %4 : f64[i:n]
  return out = %5[i]
}
----
graph @diagonal(n, m; %A: f64[i:n, j:m]) {
  %0 = index i : i64[i:n]
  %1 = const 0.0 : f64
  %2 = access %A[%0, %0 | %1] : f64[i:n]
  return out = %2[i]
}
