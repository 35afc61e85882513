test fuzz = "| vectorize(8), vectorize(2)"
size n = 9
contract = reassoc
inputs = exact 0

func @shared(n) {
  input x: i64[n, n]
  output y: i64[n]
  scratch acc: i64
  parallel for i in 0..n {
    acc = 9223372036854775807
    for k in 0..n {
      acc min= x[i, k]
    }
    y[i] = acc
  }
}
----
holds
