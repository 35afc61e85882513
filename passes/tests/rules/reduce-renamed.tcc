graph @renamed(n, m; %x: T[i:n, q:m]) {
  %0 = index i : i64[i:n]
  %1 = index r : i64[r:m]
  %2 = access %x[%0, %1] : T[i:n, r:m]
  %3 = sum[r] %2 : T[i:n]
  return out = %3[i]
}
----
graph @largest(n, m; %x: T[i:n, q:m]) {
  %0 = index a : i64[a:n]
  %1 = index r : i64[r:m]
  %2 = access %x[%0, %1] : T[a:n, r:m]
  %3 = max[r, a] %2 : T
  return out = %3[]
}
