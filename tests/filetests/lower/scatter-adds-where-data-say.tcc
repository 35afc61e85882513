test lower

graph @scatter(m, n; %v: f32[e:m], %dst: i64[e:m]) {
  %0 = const 0 : i64
  %1 = size n : i64
  %2 = le %0, %dst : bool[e:m]
  %3 = lt %dst, %1 : bool[e:m]
  %4 = and %2, %3 : bool[e:m]
  %5 y = scatter.sum [%dst] %v : f32[y.0:n]
  require 0 <= n "negative size"
  check %4 "outside"
  return y = %5[y.0]
}
----
func @scatter(m, n) {
  input v: f32[m]
  input dst: i64[m]
  output y: f32[n]
  require 0 <= n "negative size"
  site 0 "outside"
  for e in 0..m {
    check 0 <= dst[e] and dst[e] < n site 0
  }
  for y.0 in 0..n {
    y[y.0] = 0.0f32
  }
  for e.1 in 0..m {
    let y.0.1: i64 = dst[e.1]
    if 0 <= y.0.1 and y.0.1 < n {
      y[y.0.1] += v[e.1]
    }
  }
}
