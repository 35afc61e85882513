test rule = "logsumexp-without-max"

graph @rows(n; %x: f64[i:n, j:3]) {
  %0 = exp %x : f64[i:n, j:3]
  %1 = sum[j] %0 : f64[i:n]
  %2 = log %1 : f64[i:n]
  return out = %2[i]
}
----
graph @rows(n; %x: f64[i:n, j:3]) {
  %0 = logsumexp[j] %x : f64[i:n]
  return out = %0[i]
}
