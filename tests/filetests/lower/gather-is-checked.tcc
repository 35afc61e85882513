test lower

graph @gather(n, m; %x: f32[n:n], %src: i64[e:m]) {
  %0 = const 0 : i64
  %1 = size n : i64
  %2 = le %0, %src : bool[e:m]
  %3 = lt %src, %1 : bool[e:m]
  %4 = and %2, %3 : bool[e:m]
  %5 y = access %x[%src] : f32[e:m]
  check %4 "outside"
  return y = %5[e]
}
----
func @gather(n, m) {
  input x: f32[n]
  input src: i64[m]
  output y: f32[m]
  scratch y.1: f32
  site 0 "outside"
  for e in 0..m {
    check 0 <= src[e] and src[e] < n site 0
  }
  for e.1 in 0..m {
    let n.1: i64 = src[e.1]
    y.1 = 0.0f32
    if 0 <= n.1 and n.1 < n {
      y.1 = x[n.1]
    }
    y[e.1] = y.1
  }
}
