test passes = "cse"

graph @two(n; %x: f32[t:n]) {
  %0 = state t forward : f32[t:n]
  %1 = state t forward : f32[t:n]
  %2 = const 1 : i64
  %3 = index t : i64[t:n]
  %4 = sub %3, %2 : i64[t:n]
  %5 = const 0.0 : f32
  %6 = access %0 [%4 | %5] : f32[t:n]
  %7 = access %1 [%4 | %5] : f32[t:n]
  %8 = add %6, %x : f32[t:n]
  %9 = sub %7, %x : f32[t:n]
  %10 a = recur.0 {%0 <- %8} : f32[t:n]
  %11 b = recur.0 {%1 <- %9} : f32[t:n]
  return a = %10[t], b = %11[t]
}
----
graph @two(n; %x: f32[t:n]) {
  %0 = state t forward : f32[t:n]
  %1 = state t forward : f32[t:n]
  %2 = const 1 : i64
  %3 = index t : i64[t:n]
  %4 = sub %3, %2 : i64[t:n]
  %5 = const 0.0 : f32
  %6 = access %0[%4 | %5] : f32[t:n]
  %7 = access %1[%4 | %5] : f32[t:n]
  %8 = add %6, %x : f32[t:n]
  %9 = sub %7, %x : f32[t:n]
  %10 a = recur.0 {%0 <- %8} : f32[t:n]
  %11 b = recur.0 {%1 <- %9} : f32[t:n]
  return a = %10[t], b = %11[t]
}
