graph @same(n, m; %a: T[i:n, k:m], %b: T[i:n, k:m]) {
  %0 = sum[k] %a : T[i:n]
  %1 = sum[k] %b : T[i:n]
  %2 = add %0, %1 : T[i:n]
  return out = %2[i]
}
----
graph @other(n, m; %A: T[i:n, k:m], %B: T[i:n, l:m], %W: T[k:m, j:n]) {
  %0 = mul %A, %W : T[i:n, k:m, j:n]
  %1 = sum[k] %0 : T[i:n, j:n]
  %2 = index l : i64[l:m]
  %3 = index j : i64[j:n]
  %4 = access %W[%2, %3] : T[l:m, j:n]
  %5 = mul %B, %4 : T[i:n, l:m, j:n]
  %6 = sum[l] %5 : T[i:n, j:n]
  %7 = add %1, %6 : T[i:n, j:n]
  return out = %7[i, j]
}
