test rule = "guarded-factor"

graph @example(%p: bool[l:3], %a: i32[i:2, l:3], %b: i32[i:2]) {
  %0 = const 0 : i32
  %1 = select %p, %a, %0 : i32[l:3, i:2]
  %2 = mul %1, %b : i32[l:3, i:2]
  return out = %2[l, i]
}
----
graph @example(%p: bool[l:3], %a: i32[i:2, l:3], %b: i32[i:2]) {
  %0 = const 0 : i32
  %1 = mul %a, %b : i32[i:2, l:3]
  %2 = select %p, %1, %0 : i32[l:3, i:2]
  return out = %2[l, i]
}
