test rule = "guarded-product"

graph @example(%p: bool[i:2, k:2], %q: bool[l:2]) {
  %0 = const 1 : i64
  %1 = const 0 : i64
  %2 = select %p, %0, %1 : i64[i:2, k:2]
  %3 = const 1 : i64
  %4 = const 0 : i64
  %5 = select %q, %3, %4 : i64[l:2]
  %6 = mul %2, %5 : i64[i:2, k:2, l:2]
  return out = %6[i, k, l]
}
----
graph @example(%p: bool[i:2, k:2], %q: bool[l:2]) {
  %0 = const 1 : i64
  %1 = const 0 : i64
  %2 = and %p, %q : bool[i:2, k:2, l:2]
  %3 = select %2, %0, %1 : i64[i:2, k:2, l:2]
  return out = %3[i, k, l]
}
