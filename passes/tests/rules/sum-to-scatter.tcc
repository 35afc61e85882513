graph @places(n, m; %x: T[e:m, p:n], %d: i64[e:m]) {
  %0 = index v : i64[v:n]
  %1 = eq %0, %d : bool[v:n, e:m]
  %2 = const 0.0 : T
  %3 = select %1, %x, %2 : T[v:n, e:m, p:n]
  %4 = sum[e] %3 : T[v:n, p:n]
  return out = %4[v, p]
}
----
graph @number(n, m; %x: T[e:m], %d: i64[e:m, q:n]) {
  %0 = index v : i64[v:3]
  %1 = eq %0, %d : bool[v:3, e:m, q:n]
  %2 = const 0.0 : T
  %3 = select %1, %x, %2 : T[v:3, e:m, q:n]
  %4 = sum[e] %3 : T[v:3, q:n]
  return out = %4[v, q]
}
