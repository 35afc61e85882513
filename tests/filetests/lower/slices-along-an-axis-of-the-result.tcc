test lower
memory = 400

graph @sliced(; %A: f64[p:40, i:6], %B: f64[i:6, q:50], %C: f64[q:50, k:20]) {
  %0 = mul %A, %B : f64[p:40, i:6, q:50]
  %1 X = sum[i] %0 : f64[p:40, q:50]
  %2 = mul %1, %C : f64[p:40, q:50, k:20]
  %3 O = sum[q] %2 : f64[p:40, k:20]
  return O = %3[k, p]
}
----
func @sliced() {
  input A: f64[40, 6]
  input B: f64[6, 50]
  input C: f64[50, 20]
  output O: f64[20, 40]
  scratch X: f64[50]
  scratch X.acc: f64
  scratch O.acc: f64
  for p in 0..40 {
    for q in 0..50 {
      X.acc = 0.0
      for i in 0..6 {
        X.acc += A[p, i] * B[i, q]
      }
      X[q] = X.acc
    }
    for k in 0..20 {
      O.acc = 0.0
      for q.1 in 0..50 {
        O.acc += X[q.1] * C[q.1, k]
      }
      O[k, p] = O.acc
    }
  }
}
