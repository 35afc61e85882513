# Two transpositions give x back.
pipeline = canonicalize

graph @witness(n; %x: f32[i:n, j:n]) {
  %0 = index i : i64[i:n]
  %1 = index j : i64[j:n]
  %2 = access %x[%1, %0] : f32[j:n, i:n]
  %3 = access %2[%0, %1] : f32[i:n, j:n]
  return y = %3[i, j]
}
