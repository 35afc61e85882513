test lower

graph @gather(%x: f64[i:3], %p: u8, %q: i32[j:2]) {
  %0 = add %x, %x : f64[i:3]
  %1 = access %0[%p] : f64
  %2 = access %x[%q] : f64[j:2]
  %3 = scatter.sum [%q] %2 : f64[i:3]
  return y = %1[], z = %2[j], w = %3[i]
}
----
