test rule = "pull-from-scatter"

graph @scaled(n, m; %x: f64[e:m], %a: f64, %d: i64[e:m]) {
  %0 = mul %x, %a : f64[e:m]
  %1 = scatter.sum [%d] %0 : f64[v:n]
  return out = %1[v]
}
----
graph @scaled(n, m; %x: f64[e:m], %a: f64, %d: i64[e:m]) {
  %0 = scatter.sum [%d] %x : f64[v:n]
  %1 = mul %0, %a : f64[v:n]
  return out = %1[v]
}
