test lower
memory = 400

graph @sliced(; %A: f64[i:6, p:40], %B: f64[i:6, q:50], %C: f64[q:50, k:20], %D: f64[p:40, k:20]) {
  %0 = mul %A, %B : f64[i:6, p:40, q:50]
  %1 X = sum[i] %0 : f64[p:40, q:50]
  %2 = mul %1, %C : f64[p:40, q:50, k:20]
  %3 = sum[q] %2 : f64[p:40, k:20]
  %4 = mul %3, %D : f64[p:40, k:20]
  %5 O = sum[p] %4 : f64[k:20]
  return O = %5[k]
}
----
func @sliced() {
  input A: f64[6, 40]
  input B: f64[6, 50]
  input C: f64[50, 20]
  input D: f64[40, 20]
  output O: f64[20]
  scratch X: f64[50]
  scratch sum: f64
  scratch X.acc: f64
  scratch sum.acc: f64
  for k in 0..20 {
    O[k] = 0.0
  }
  for p in 0..40 {
    for q in 0..50 {
      X.acc = 0.0
      for i in 0..6 {
        X.acc += A[i, p] * B[i, q]
      }
      X[q] = X.acc
    }
    for k.1 in 0..20 {
      sum.acc = 0.0
      for q.1 in 0..50 {
        sum.acc += X[q.1] * C[q.1, k.1]
      }
      sum = sum.acc
      O[k.1] += sum * D[p, k.1]
    }
  }
}
