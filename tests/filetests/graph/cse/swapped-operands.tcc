test passes = "canonicalize, cse, dce"

graph @swapped(n, m; %a: f32[i:n], %b: f32[i:n]) {
  %0 = mul %a, %b : f32[i:n]
  %1 = mul %b, %a : f32[i:n]
  %2 = sub %0, %1 : f32[i:n]
  return y = %2[i]
}
----
graph @swapped(n, m; %a: f32[i:n], %b: f32[i:n]) {
  %0 = mul %a, %b : f32[i:n]
  %1 = sub %0, %0 : f32[i:n]
  return y = %1[i]
}
