test passes = "rename_axes, dce"

graph @reduced(n; %A: f32[x:n, y:n]) {
  %0 = exp %A : f32[x:n, y:n]
  %1 = sum[y] %0 : f32[x:n]
  %2 = index y : i64[y:n]
  %3 = access %1[%2] : f32[y:n]
  %4 = exp %3 : f32[y:n]
  return O = %4[y]
}
----
graph @reduced(n; %A: f32[x:n, y:n]) {
  %0 = index y : i64[y:n]
  %1 = index y.1 : i64[y.1:n]
  %2 = access %A[%0, %1] : f32[y:n, y.1:n]
  %3 = exp %2 : f32[y:n, y.1:n]
  %4 = sum[y.1] %3 : f32[y:n]
  %5 = exp %4 : f32[y:n]
  return O = %5[y]
}
