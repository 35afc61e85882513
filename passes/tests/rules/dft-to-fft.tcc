graph @transform(n, m; %u: c128[b:m, x:n]) {
  %0 = dft : c128[k:n, x:n]
  %1 = mul %u, %0 : c128[b:m, x:n, k:n]
  %2 = sum[x] %1 : c128[b:m, k:n]
  return out = %2[b, k]
}
----
graph @other(n, m; %u: c64[b:m, k:n]) {
  %0 = dft : c128[k:n, x:n]
  %1 = cast %0 : c64[k:n, x:n]
  %2 = mul %u, %1 : c64[b:m, k:n, x:n]
  %3 = sum[k, b] %2 : c64[x:n]
  return out = %3[x]
}
