test rule = "logsumexp"

graph @example(%x: f64[i:3]) {
  %0 = max[i] %x : f64
  %1 = max[i] %x : f64
  %2 = sub %x, %1 : f64[i:3]
  %3 = exp %2 : f64[i:3]
  %4 = sum[i] %3 : f64
  %5 = log %4 : f64
  %6 = add %0, %5 : f64
  return out = %6[]
}
----
graph @example(%x: f64[i:3]) {
  %0 = logsumexp[i] %x : f64
  return out = %0[]
}
