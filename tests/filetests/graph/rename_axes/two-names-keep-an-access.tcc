test passes = "rename_axes, dce"

graph @two_names(n; %A: f32[a:n], %B: f32[b:n]) {
  %0 = exp %A : f32[a:n]
  %1 = index i : i64[i:n]
  %2 = index j : i64[j:n]
  %3 = access %0[%1] : f32[i:n]
  %4 = access %0[%2] : f32[j:n]
  %5 = mul %3, %4 : f32[i:n, j:n]
  %6 = exp %B : f32[b:n]
  %7 = access %6[%2] : f32[j:n]
  %8 = add %5, %7 : f32[i:n, j:n]
  return O = %8[i, j]
}
----
graph @two_names(n; %A: f32[a:n], %B: f32[b:n]) {
  %0 = exp %A : f32[a:n]
  %1 = index i : i64[i:n]
  %2 = access %0[%1] : f32[i:n]
  %3 = index j : i64[j:n]
  %4 = access %0[%3] : f32[j:n]
  %5 = mul %2, %4 : f32[i:n, j:n]
  %6 = index j : i64[j:n]
  %7 = access %B[%6] : f32[j:n]
  %8 = exp %7 : f32[j:n]
  %9 = add %5, %8 : f32[i:n, j:n]
  return O = %9[i, j]
}
