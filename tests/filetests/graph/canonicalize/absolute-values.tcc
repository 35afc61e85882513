test passes = "canonicalize, dce"

graph @absolute(n; %x: f64[i:n], %k: i32[i:n], %u: u8[i:n]) {
  %0 = neg %x : f64[i:n]
  %1 = abs %0 : f64[i:n]
  %2 = neg %k : i32[i:n]
  %3 = abs %2 : i32[i:n]
  %4 = neg %u : u8[i:n]
  %5 = abs %4 : u8[i:n]
  return y = %1[i], z = %3[i], w = %5[i]
}
----
graph @absolute(n; %x: f64[i:n], %k: i32[i:n], %u: u8[i:n]) {
  %0 = abs %x : f64[i:n]
  %1 = abs %k : i32[i:n]
  %2 = neg %u : u8[i:n]
  %3 = abs %2 : u8[i:n]
  return y = %0[i], z = %1[i], w = %3[i]
}
