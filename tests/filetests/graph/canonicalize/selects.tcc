test passes = "canonicalize, dce"

graph @selects(n; %c: bool[i:n], %x: f32[i:n], %y: f32[i:n]) {
  %0 = const true : bool
  %1 = select %0, %x, %y : f32[i:n]
  %2 = not %c : bool[i:n]
  %3 = select %2, %1, %y : f32[i:n]
  %4 = select %2, %y, %y : f32[i:n]
  return a = %1[i], b = %3[i], c = %4[i]
}
----
graph @selects(n; %c: bool[i:n], %x: f32[i:n], %y: f32[i:n]) {
  %0 = select %c, %y, %x : f32[i:n]
  return a = %x[i], b = %0[i], c = %y[i]
}
