test passes = "specialise, fold, dce"
bind n = 3

graph @size(n; %x: f64[i:n]) {
  %0 = size 2*n + 1 : i64
  %1 = cast %0 : f64
  %2 = mul %1, %x : f64[i:n]
  return y = %2[i]
}
----
graph @size(%x: f64[i:3]) {
  %0 = const 7.0 : f64
  %1 = mul %0, %x : f64[i:3]
  return y = %1[i]
}
