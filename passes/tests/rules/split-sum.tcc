graph @lacks(n, m; %a: T[i:n], %b: T[i:n, j:m]) {
  %0 = add %a, %b : T[i:n, j:m]
  %1 = sum[j] %0 : T[i:n]
  return out = %1[i]
}
----
graph @both(n, m; %a: T[i:n, k:3], %b: T[k:3, j:m], %c: T[i:n, k:3]) {
  %0 = mul %a, %b : T[i:n, k:3, j:m]
  %1 = add %0, %c : T[i:n, k:3, j:m]
  %2 = sum[k, i] %1 : T[j:m]
  return out = %2[j]
}
