test rule = "sum-to-scatter"

graph @places(n, m; %x: f64[e:m, p:n], %d: i64[e:m]) {
  %0 = index v : i64[v:n]
  %1 = eq %0, %d : bool[v:n, e:m]
  %2 = const 0.0 : f64
  %3 = select %1, %x, %2 : f64[v:n, e:m, p:n]
  %4 = sum[e] %3 : f64[v:n, p:n]
  return out = %4[v, p]
}
----
graph @places(n, m; %x: f64[e:m, p:n], %d: i64[e:m]) {
  %0 = index p : i64[p:n]
  %1 = scatter.sum [%d, %0] %x : f64[v:n, p:n]
  return out = %1[v, p]
}
