test passes = "canonicalize"

graph @broadcast(n, m; %x: f32[i:n], %y: f32[j:m]) {
  %0 = const true : bool
  %1 = select %0, %x, %y : f32[i:n, j:m]
  return a = %1[i, j]
}
----
graph @broadcast(n, m; %x: f32[i:n], %y: f32[j:m]) {
  %0 = const true : bool
  %1 = select %0, %x, %y : f32[i:n, j:m]
  return a = %1[i, j]
}
