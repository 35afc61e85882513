test rule = "join-transforms"

graph @real(n, m; %u: f64[b:m, x:n], %v: f64[b:m, x:n]) {
  %0 = rfft[x -> k] %u : c128[b:m, k:(n div 2) + 1]
  %1 = rfft[x -> k] %v : c128[b:m, k:(n div 2) + 1]
  %2 = add %0, %1 : c128[b:m, k:(n div 2) + 1]
  return out = %2[b, k]
}
----
graph @real(n, m; %u: f64[b:m, x:n], %v: f64[b:m, x:n]) {
  %0 = add %u, %v : f64[b:m, x:n]
  %1 = rfft[x -> k] %0 : c128[b:m, k:(n div 2) + 1]
  return out = %1[b, k]
}
