test rule = "pull-divisor"

graph @scaled(n, m; %x: f64[i:n, j:m], %c: f64[i:n] in [0.5, 2.0]) {
  %0 = div %x, %c : f64[i:n, j:m]
  %1 = sum[j] %0 : f64[i:n]
  return out = %1[i]
}
----
graph @scaled(n, m; %x: f64[i:n, j:m], %c: f64[i:n] in [0.5, 2.0]) {
  %0 = sum[j] %x : f64[i:n]
  %1 = div %0, %c : f64[i:n]
  return out = %1[i]
}
