test passes = "canonicalize, dce"

graph @powers(n; %x: f64[i:n]) {
  %0 = const 5 : i64
  %1 = powi %x, %0 : f64[i:n]
  %2 = const -2 : i64
  %3 = powi %x, %2 : f64[i:n]
  return y = %1[i], z = %3[i]
}
----
graph @powers(n; %x: f64[i:n]) {
  %0 = mul %x, %x : f64[i:n]
  %1 = mul %0, %0 : f64[i:n]
  %2 = mul %x, %1 : f64[i:n]
  %3 = const -2 : i64
  %4 = powi %x, %3 : f64[i:n]
  return y = %2[i], z = %4[i]
}
