test passes = "cse, dce"

graph @twice(; %a: f32[i:4]) {
  %0 = exp %a : f32[i:4]
  %1 = exp %a : f32[i:4]
  %2 = add %0, %1 : f32[i:4]
  return y = %2[i]
}
----
graph @twice(%a: f32[i:4]) {
  %0 = exp %a : f32[i:4]
  %1 = add %0, %0 : f32[i:4]
  return y = %1[i]
}
