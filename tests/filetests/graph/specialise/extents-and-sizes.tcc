test passes = "specialise"
bind n = 4

graph @grow(n, m, param w = 2*n; %x: f32[i:n, j:m]) {
  %0 = size w*n : i64
  %1 = index k : i64[k:2*n]
  %2 = add %0, %1 : i64[k:2*n]
  return y = %2[k], z = %x[i, j]
}
----
graph @grow(m, param w = 8; %x: f32[i:4, j:m]) {
  %0 = size 4*w : i64
  %1 = index k : i64[k:8]
  %2 = add %0, %1 : i64[k:8]
  return y = %2[k], z = %x[i, j]
}
