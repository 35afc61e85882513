test passes = "scan"

func @backward() {
  input a: f64[1024]
  input b: f64[1024]
  output h: f64[1024]
  h[1023] = 0.0
  for t in 0..1024 {
    let t.1: i64 = 1023 - t
    let x: f64 = exp(a[t.1])
    h[t.1] = x * b[t.1] + x * select(t.1 + 1 < 1024, h[min(t.1 + 1, 1023)], 0.0)
  }
}
----
