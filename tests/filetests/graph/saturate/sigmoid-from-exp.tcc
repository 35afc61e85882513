test rule = "sigmoid-from-exp"

graph @example(%a: f64[k:3, l:3]) {
  %0 = exp %a : f64[k:3, l:3]
  %1 = const 1.0 : f64
  %2 = exp %a : f64[k:3, l:3]
  %3 = add %1, %2 : f64[k:3, l:3]
  %4 = div %0, %3 : f64[k:3, l:3]
  return out = %4[k, l]
}
----
graph @example(%a: f64[k:3, l:3]) {
  %0 = const 1.0 : f64
  %1 = neg %a : f64[k:3, l:3]
  %2 = exp %1 : f64[k:3, l:3]
  %3 = add %2, %0 : f64[k:3, l:3]
  %4 = div %0, %3 : f64[k:3, l:3]
  return out = %4[k, l]
}
