test lower

graph @matmul(n, m, k; %A: f32[i:n, k:k], %B: f32[k:k, j:m]) {
  %0 = mul %A, %B : f32[i:n, k:k, j:m]
  %1 C = sum[k] %0 : f32[i:n, j:m]
  return C = %1[i, j]
}
----
func @matmul(n, m, k) {
  input A: f32[n, k]
  input B: f32[k, m]
  output C: f32[n, m]
  scratch C.acc: f32
  for i in 0..n {
    for j in 0..m {
      C.acc = 0.0f32
      for k.1 in 0..k {
        C.acc += A[i, k.1] * B[k.1, j]
      }
      C[i, j] = C.acc
    }
  }
}
