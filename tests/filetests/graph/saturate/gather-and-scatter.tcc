test passes = "saturate, canonicalize, dce"

graph @aggregate(n, m, c; %x: f32[i:n, p:c], %src: i64[e:m], %dst: i64[e:m]) {
  %0 = index i : i64[i:n]
  %1 = eq %0, %src : bool[i:n, e:m]
  %2 = cast %1 : f32[i:n, e:m]
  %3 = mul %2, %x : f32[i:n, e:m, p:c]
  %4 message = sum[i] %3 : f32[e:m, p:c]
  %5 = index v : i64[v:n]
  %6 = eq %dst, %5 : bool[e:m, v:n]
  %7 = cast %6 : f32[e:m, v:n]
  %8 = mul %7, %4 : f32[e:m, v:n, p:c]
  %9 sums = sum[e] %8 : f32[v:n, p:c]
  return sums = %9[v, p]
}
----
graph @aggregate(n, m, c; %x: f32[i:n, p:c], %src: i64[e:m], %dst: i64[e:m]) {
  %0 = index p : i64[p:c]
  %1 = const 0.0 : f32
  %2 message = access %x[%src, %0 | %1] : f32[e:m, p:c]
  %3 sums = scatter.sum [%dst, %0] %2 : f32[v:n, p:c]
  return sums = %3[v, p]
}
