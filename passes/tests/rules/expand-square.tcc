graph @loss(n, m; %X: T[i:n, j:m], %u: T[i:n], %v: T[j:m]) {
  %0 = mul %u, %v : T[i:n, j:m]
  %1 = sub %X, %0 : T[i:n, j:m]
  %2 = mul %1, %1 : T[i:n, j:m]
  %3 = sum[i, j] %2 : T
  return out = %3[]
}
