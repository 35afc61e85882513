test rule = "split-difference"

graph @lacks(n, m; %a: f64[i:n], %b: f64[i:n, j:m]) {
  %0 = sub %a, %b : f64[i:n, j:m]
  %1 = sum[j] %0 : f64[i:n]
  return out = %1[i]
}
----
graph @lacks(n, m; %a: f64[i:n], %b: f64[i:n, j:m]) {
  %0 = size m : i64
  %1 = cast %0 : f64
  %2 = mul %a, %1 : f64[i:n]
  %3 = sum[j] %b : f64[i:n]
  %4 = sub %2, %3 : f64[i:n]
  return out = %4[i]
}
