test rule = "expand-square"

graph @loss(n, m; %X: f64[i:n, j:m], %u: f64[i:n], %v: f64[j:m]) {
  %0 = mul %u, %v : f64[i:n, j:m]
  %1 = sub %X, %0 : f64[i:n, j:m]
  %2 = mul %1, %1 : f64[i:n, j:m]
  %3 = sum[i, j] %2 : f64
  return out = %3[]
}
----
graph @loss(n, m; %X: f64[i:n, j:m], %u: f64[i:n], %v: f64[j:m]) {
  %0 = mul %u, %v : f64[i:n, j:m]
  %1 = mul %0, %0 : f64[i:n, j:m]
  %2 = sum[i, j] %1 : f64
  %3 = mul %X, %X : f64[i:n, j:m]
  %4 = sum[i, j] %3 : f64
  %5 = mul %X, %0 : f64[i:n, j:m]
  %6 = sum[i, j] %5 : f64
  %7 = add %6, %6 : f64
  %8 = sub %4, %7 : f64
  %9 = add %2, %8 : f64
  return out = %9[]
}
