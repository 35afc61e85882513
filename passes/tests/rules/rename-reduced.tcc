graph @twice(n, m; %A: T[i:n, k:m], %B: T[k:m, j:n]) {
  %0 = index i : i64[i:n]
  %1 = index l : i64[l:m]
  %2 = index j : i64[j:n]
  %3 = access %A[%0, %1] : T[i:n, l:m]
  %4 = access %B[%1, %2] : T[l:m, j:n]
  %5 = mul %3, %4 : T[i:n, l:m, j:n]
  %6 = sum[l] %5 : T[i:n, j:n]
  return out = %6[i, j]
}
