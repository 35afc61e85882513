test passes = "fold"

graph @functions(; %x: f64[i:4]) {
  %0 = const 1.0 : f64
  %1 = exp %0 : f64
  %2 = mul %1, %x : f64[i:4]
  return y = %2[i]
}
----
graph @functions(%x: f64[i:4]) {
  %0 = const 1.0 : f64
  %1 = exp %0 : f64
  %2 = mul %1, %x : f64[i:4]
  return y = %2[i]
}
