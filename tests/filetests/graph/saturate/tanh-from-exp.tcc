test rule = "tanh-from-exp"

graph @example(%a: f64[k:3, l:3]) {
  %0 = exp %a : f64[k:3, l:3]
  %1 = neg %a : f64[k:3, l:3]
  %2 = exp %1 : f64[k:3, l:3]
  %3 = sub %0, %2 : f64[k:3, l:3]
  %4 = exp %a : f64[k:3, l:3]
  %5 = neg %a : f64[k:3, l:3]
  %6 = exp %5 : f64[k:3, l:3]
  %7 = add %4, %6 : f64[k:3, l:3]
  %8 = div %3, %7 : f64[k:3, l:3]
  return out = %8[k, l]
}
----
graph @example(%a: f64[k:3, l:3]) {
  %0 = tanh %a : f64[k:3, l:3]
  return out = %0[k, l]
}
