test passes = "cse, dce"

graph @chains(; %a: f32[i:4]) {
  %0 = exp %a : f32[i:4]
  %1 = neg %0 : f32[i:4]
  %2 = exp %a : f32[i:4]
  %3 = neg %2 : f32[i:4]
  %4 = sum[i] %1 : f32
  %5 = sum[i] %3 : f32
  return y = %4[], z = %5[]
}
----
graph @chains(%a: f32[i:4]) {
  %0 = exp %a : f32[i:4]
  %1 = neg %0 : f32[i:4]
  %2 = sum[i] %1 : f32
  return y = %2[], z = %2[]
}
