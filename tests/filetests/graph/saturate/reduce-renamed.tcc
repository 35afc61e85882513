test rule = "reduce-renamed"

graph @renamed(n, m; %x: f64[i:n, q:m]) {
  %0 = index i : i64[i:n]
  %1 = index r : i64[r:m]
  %2 = access %x[%0, %1] : f64[i:n, r:m]
  %3 = sum[r] %2 : f64[i:n]
  return out = %3[i]
}
----
graph @renamed(n, m; %x: f64[i:n, q:m]) {
  %0 = sum[q] %x : f64[i:n]
  return out = %0[i]
}
