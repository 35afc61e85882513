graph @diagonal(n, m; %A: T[i:n, j:m]) {
  %0 = index i : i64[i:n]
  %1 = index j : i64[j:m]
  %2 = eq %0, %1 : bool[i:n, j:m]
  %3 = const 0.0 : T
  %4 = select %2, %A, %3 : T[i:n, j:m]
  %5 = sum[j] %4 : T[i:n]
  return out = %5[i]
}
----
graph @place(n, m; %A: T[i:n, j:m], %p: i64[k:n]) {
  %0 = index j : i64[j:m]
  %1 = eq %0, %p : bool[j:m, k:n]
  %2 = const 0.0 : T
  %3 = select %1, %A, %2 : T[j:m, k:n, i:n]
  %4 = sum[j, i] %3 : T[k:n]
  return out = %4[k]
}
