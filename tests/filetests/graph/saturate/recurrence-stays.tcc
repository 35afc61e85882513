test passes = "saturate, dce"

graph @scan(n; %a: f64[t:n], %b: f64[t:n], %c: f64) {
  %0 = state t forward : f64[t:n]
  %1 = index t : i64[t:n]
  %2 = const 1 : i64
  %3 = sub %1, %2 : i64[t:n]
  %4 = const 0.0 : f64
  %5 = access %0[%3 | %4] : f64[t:n]
  %6 = mul %5, %a : f64[t:n]
  %7 = mul %a, %c : f64[t:n]
  %8 = mul %b, %c : f64[t:n]
  %9 = add %7, %8 : f64[t:n]
  %10 = add %6, %9 : f64[t:n]
  %11 h = recur.0 {%0 <- %10} : f64[t:n]
  return h = %11[t]
}
----
graph @scan(n; %a: f64[t:n], %b: f64[t:n], %c: f64) {
  %0 = state t forward : f64[t:n]
  %1 = const 0.0 : f64
  %2 = const 1 : i64
  %3 = index t : i64[t:n]
  %4 = sub %3, %2 : i64[t:n]
  %5 = access %0[%4 | %1] : f64[t:n]
  %6 = mul %5, %a : f64[t:n]
  %7 = add %a, %b : f64[t:n]
  %8 = mul %7, %c : f64[t:n]
  %9 = add %6, %8 : f64[t:n]
  %10 h = recur.0 {%0 <- %9} : f64[t:n]
  return h = %10[t]
}
