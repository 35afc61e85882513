test rule = "dft-to-ifft"

graph @inverse(n, m; %u: c128[b:m, k:n]) {
  %0 = dft : c128[k:n, x:n]
  %1 = conj %0 : c128[k:n, x:n]
  %2 = mul %u, %1 : c128[b:m, k:n, x:n]
  %3 = sum[k] %2 : c128[b:m, x:n]
  return out = %3[b, x]
}
----
graph @inverse(n, m; %u: c128[b:m, k:n]) {
  %0 = ifft[k -> x] %u : c128[b:m, x:n]
  %1 = size n : i64
  %2 = cast %1 : c128
  %3 = mul %0, %2 : c128[b:m, x:n]
  return out = %3[b, x]
}
