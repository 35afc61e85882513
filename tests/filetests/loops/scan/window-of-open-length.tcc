test passes = "scan"

func @window(n) {
  input b: f64[n]
  input c: f64[n]
  output y: f64[n]
  output last: f64
  scratch h: f64[2]
  h[1] = 0.5
  for t in 0..n {
    h[t mod 2] = h[(t + 1) mod 2] + b[t]
    if t == n - 1 {
      last = h[t mod 2]
    }
    y[t] = c[t] * h[t mod 2] - h[(t + 1) mod 2]
  }
}
----
