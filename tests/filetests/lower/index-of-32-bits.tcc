test lower

graph @gather(%x: f64[i:3], %p: u8, %q: i32[j:2]) {
  %0 = add %x, %x : f64[i:3]
  %1 = access %0[%p] : f64
  %2 = access %x[%q] : f64[j:2]
  %3 = scatter.sum [%q] %2 : f64[i:3]
  return y = %1[], z = %2[j], w = %3[i]
}
----
func @gather() {
  input x: f64[3]
  input p: u8
  input q: i32[2]
  output y: f64
  output z: f64[2]
  output w: f64[3]
  let i: i64 = i64(p)
  y = select(0 <= i and i < 3, x[min(max(i, 0), 2)] + x[min(max(i, 0), 2)], 0.0)
  for j in 0..2 {
    let i.1: i64 = i64(q[j])
    z[j] = select(0 <= i.1 and i.1 < 3, x[min(max(i.1, 0), 2)], 0.0)
  }
  for i.2 in 0..3 {
    w[i.2] = 0.0
  }
  for j.1 in 0..2 {
    let i.3: i64 = i64(q[j.1])
    if 0 <= i.3 and i.3 < 3 {
      w[i.3] += z[j.1]
    }
  }
}
