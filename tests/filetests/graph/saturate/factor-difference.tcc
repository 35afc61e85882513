test rule = "factor-difference"

graph @example(%a: i32[l:3], %b: i32[i:2, l:3], %c: i32[i:2]) {
  %0 = mul %a, %b : i32[l:3, i:2]
  %1 = mul %a, %c : i32[l:3, i:2]
  %2 = sub %0, %1 : i32[l:3, i:2]
  return out = %2[l, i]
}
----
graph @example(%a: i32[l:3], %b: i32[i:2, l:3], %c: i32[i:2]) {
  %0 = sub %b, %c : i32[i:2, l:3]
  %1 = mul %a, %0 : i32[l:3, i:2]
  return out = %1[l, i]
}
