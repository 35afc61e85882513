test passes = "rename_axes, dce"

graph @transposed(n, m; %A: f32[x:n, y:m]) {
  %0 = exp %A : f32[x:n, y:m]
  %1 = index i : i64[i:m]
  %2 = index j : i64[j:n]
  %3 = access %0[%2, %1] : f32[i:m, j:n]
  %4 = neg %3 : f32[i:m, j:n]
  %5 = add %1, %2 : i64[i:m, j:n]
  %6 = access %4[%2, %1] : f32[i:m, j:n]
  %7 = add %4, %6 : f32[i:m, j:n]
  return O = %7[i, j]
}
----
graph @transposed(n, m; %A: f32[x:n, y:m]) {
  %0 = index j : i64[j:n]
  %1 = index i : i64[i:m]
  %2 = access %A[%0, %1] : f32[j:n, i:m]
  %3 = exp %2 : f32[j:n, i:m]
  %4 = index i : i64[i:m]
  %5 = index j : i64[j:n]
  %6 = neg %3 : f32[i:m, j:n]
  %7 = access %6[%5, %4] : f32[i:m, j:n]
  %8 = add %6, %7 : f32[i:m, j:n]
  return O = %8[i, j]
}
