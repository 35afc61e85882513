test passes = "dce"

graph @unused(n; %x: f32[t:n]) {
  %0 = state t forward : f32[t:n]
  %1 = const 1 : i64
  %2 = index t : i64[t:n]
  %3 = sub %2, %1 : i64[t:n]
  %4 = const 0.0 : f32
  %5 = access %0 [%3 | %4] : f32[t:n]
  %6 = add %5, %x : f32[t:n]
  %7 h = recur.0 {%0 <- %6} : f32[t:n]
  return y = %x[t]
}
----
graph @unused(n; %x: f32[t:n]) {
  return y = %x[t]
}
