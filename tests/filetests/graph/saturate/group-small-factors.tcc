test rule = "group-small-factors"

graph @example(%a: i32[i:2, j:2, l:2], %b: i32[i:2], %c: i32[i:2]) {
  %0 = mul %a, %b : i32[i:2, j:2, l:2]
  %1 = mul %0, %c : i32[i:2, j:2, l:2]
  return out = %1[i, j, l]
}
----
graph @example(%a: i32[i:2, j:2, l:2], %b: i32[i:2], %c: i32[i:2]) {
  %0 = mul %b, %c : i32[i:2]
  %1 = mul %a, %0 : i32[i:2, j:2, l:2]
  return out = %1[i, j, l]
}
