test fuzz = "| vectorize(16)"
size n = 1
contract = strict
inputs = exact 0

func @case(n) {
  input x0: f32[n]
  input x1: f32[n, n, 1]
  output y0: f32[n]
  scratch min: i64
  scratch min.acc: i64
  scratch min.1: f32
  scratch min.acc.1: f32
  scratch state: f32[2]
  scratch max: f32[n]
  scratch select: f32[n]
  scratch max.acc: f32
  scratch sum: f32
  scratch sum.acc: f32
  parallel for j.2.o in 0..1 {
    parallel for j.2.i in 0..min(16, n) {
      y0[j.2.o * 16 + j.2.i] = 1.0f32
    }
  }
}
----
holds
