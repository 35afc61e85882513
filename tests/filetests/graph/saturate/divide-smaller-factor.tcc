test rule = "divide-smaller-factor"
contract = fast

graph @example(%a: f32[i:2, l:2], %b: f32[i:2], %c: f32[l:2]) {
  %0 = mul %a, %b : f32[i:2, l:2]
  %1 = div %0, %c : f32[i:2, l:2]
  return out = %1[i, l]
}
----
graph @example(%a: f32[i:2, l:2], %b: f32[i:2], %c: f32[l:2]) {
  %0 = div %b, %c : f32[i:2, l:2]
  %1 = mul %a, %0 : f32[i:2, l:2]
  return out = %1[i, l]
}
