test rule = "min-of-increasing"

graph @rows(n; %x: f64[i:n, j:3] in [0.0, 4.0]) {
  %0 = exp %x : f64[i:n, j:3]
  %1 = min[j] %0 : f64[i:n]
  return out = %1[i]
}
----
graph @rows(n; %x: f64[i:n, j:3] in [0.0, 4.0]) {
  %0 = min[j] %x : f64[i:n]
  %1 = exp %0 : f64[i:n]
  return out = %1[i]
}
