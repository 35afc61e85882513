test rule = "join-differences"

graph @same(n, m; %a: f64[i:n, k:m], %b: f64[i:n, k:m]) {
  %0 = sum[k] %a : f64[i:n]
  %1 = sum[k] %b : f64[i:n]
  %2 = sub %0, %1 : f64[i:n]
  return out = %2[i]
}
----
graph @same(n, m; %a: f64[i:n, k:m], %b: f64[i:n, k:m]) {
  %0 = sub %a, %b : f64[i:n, k:m]
  %1 = sum[k] %0 : f64[i:n]
  return out = %1[i]
}
