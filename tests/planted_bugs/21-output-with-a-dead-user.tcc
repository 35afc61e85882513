# Nothing needs %1.
pipeline = dce

graph @witness(n; %a: f32[i:n]) {
  %0 = neg %a : f32[i:n]
  %1 = mul %0, %a : f32[i:n]
  %2 = mul %a, %a : f32[i:n]
  return y = %0[i], z = %2[i]
}
