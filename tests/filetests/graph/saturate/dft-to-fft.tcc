test rule = "dft-to-fft"

graph @transform(n, m; %u: c128[b:m, x:n]) {
  %0 = dft : c128[k:n, x:n]
  %1 = mul %u, %0 : c128[b:m, x:n, k:n]
  %2 = sum[x] %1 : c128[b:m, k:n]
  return out = %2[b, k]
}
----
graph @transform(n, m; %u: c128[b:m, x:n]) {
  %0 = fft[x -> k] %u : c128[b:m, k:n]
  return out = %0[b, k]
}
