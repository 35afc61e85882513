test passes = "canonicalize, dce"

graph @identity(n, m; %x: f32[i:n, j:m]) {
  %0 = index i : i64[i:n]
  %1 = index j : i64[j:m]
  %2 = access %x [%0, %1] : f32[i:n, j:m]
  %3 = access %x [%1, %0] : f32[j:m, i:n]
  return y = %2[i, j], z = %3[i, j]
}
----
graph @identity(n, m; %x: f32[i:n, j:m]) {
  %0 = index i : i64[i:n]
  %1 = index j : i64[j:m]
  %2 = access %x[%1, %0] : f32[j:m, i:n]
  return y = %x[i, j], z = %2[i, j]
}
