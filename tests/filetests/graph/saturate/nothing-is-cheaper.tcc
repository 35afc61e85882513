test passes = "saturate"

graph @product(n, m, p; %A: f32[i:n, k:m], %B: f32[k:m, j:p]) {
  %0 = mul %A, %B : f32[i:n, k:m, j:p]
  %1 C = sum[k] %0 : f32[i:n, j:p]
  return C = %1[i, j]
}
----
graph @product(n, m, p; %A: f32[i:n, k:m], %B: f32[k:m, j:p]) {
  %0 = mul %A, %B : f32[i:n, k:m, j:p]
  %1 C = sum[k] %0 : f32[i:n, j:p]
  return C = %1[i, j]
}
