test rule = "pull-from-transform"

graph @scaled(n, m; %u: c128[b:m, x:n], %f: c128[b:m]) {
  %0 = mul %u, %f : c128[b:m, x:n]
  %1 = fft[x -> k] %0 : c128[b:m, k:n]
  return out = %1[b, k]
}
----
graph @scaled(n, m; %u: c128[b:m, x:n], %f: c128[b:m]) {
  %0 = fft[x -> k] %u : c128[b:m, k:n]
  %1 = mul %0, %f : c128[b:m, k:n]
  return out = %1[b, k]
}
