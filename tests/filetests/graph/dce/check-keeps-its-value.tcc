test passes = "dce"

graph @checked(; %a: f32[i:4], %k: i64[i:4]) {
  %0 = const 3 : i64
  %1 = le %k, %0 : bool[i:4]
  %2 = const true : bool
  check %1 "k is above 3"
  check %2 "never"
  return y = %a[i]
}
----
graph @checked(%a: f32[i:4], %k: i64[i:4]) {
  %0 = const 3 : i64
  %1 = le %k, %0 : bool[i:4]
  check %1 "k is above 3"
  return y = %a[i]
}
