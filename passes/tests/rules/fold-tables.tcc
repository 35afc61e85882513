graph @tables(n; %x: T[i:n]) {
  %0 = table {1, 2, 3, 4, 5, 6} : i64[a:2, b:3]
  %1 = table {7, -1} : i64[a:2]
  %2 = mul %1, %0 : i64[a:2, b:3]
  %3 = cast %2 : T[a:2, b:3]
  %4 = mul %x, %3 : T[i:n, a:2, b:3]
  return out = %4[i, a, b]
}
----
graph @numbers(n; %x: f64[i:n]) {
  %0 = const 2.0 : f64
  %1 = const 1.5 : f64
  %2 = mul %0, %1 : f64
  %3 = add %x, %2 : f64[i:n]
  return out = %3[i]
}
