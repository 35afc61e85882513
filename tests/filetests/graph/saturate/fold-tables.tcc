test rule = "fold-tables"

graph @tables(n; %x: f64[i:n]) {
  %0 = table {1, 2, 3, 4, 5, 6} : i64[a:2, b:3]
  %1 = table {7, -1} : i64[a:2]
  %2 = mul %1, %0 : i64[a:2, b:3]
  %3 = cast %2 : f64[a:2, b:3]
  %4 = mul %x, %3 : f64[i:n, a:2, b:3]
  return out = %4[i, a, b]
}
----
graph @tables(n; %x: f64[i:n]) {
  %0 = table {7, 14, 21, -4, -5, -6} : i64[a:2, b:3]
  %1 = cast %0 : f64[a:2, b:3]
  %2 = mul %x, %1 : f64[i:n, a:2, b:3]
  return out = %2[i, a, b]
}
