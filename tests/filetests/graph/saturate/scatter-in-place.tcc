test rule = "scatter-in-place"

graph @here(n, m; %x: f64[i:n, j:m]) {
  %0 = index i : i64[i:n]
  %1 = index j : i64[j:m]
  %2 = scatter.max [%0, %1] %x : f64[i:n, j:m]
  return out = %2[i, j]
}
----
graph @here(n, m; %x: f64[i:n, j:m]) {
  return out = %x[i, j]
}
