test rule = "pull-guard"

graph @example(%p: bool[k:3], %a: i64[j:2, l:3]) {
  %0 = const 0 : i64
  %1 = select %p, %a, %0 : i64[k:3, j:2, l:3]
  %2 = sum[l] %1 : i64[k:3, j:2]
  return out = %2[k, j]
}
----
graph @example(%p: bool[k:3], %a: i64[j:2, l:3]) {
  %0 = const 0 : i64
  %1 = sum[l] %a : i64[j:2]
  %2 = select %p, %1, %0 : i64[k:3, j:2]
  return out = %2[k, j]
}
