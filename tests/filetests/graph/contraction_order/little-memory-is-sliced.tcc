test passes = "contraction_order, dce"
memory = 2000

graph @gram(; %A: f64[i:6, p:40], %B: f64[i:6, q:50], %C: f64[p:40, j:70], %D: f64[q:50, j:70]) {
  %0 = mul %A, %B : f64[i:6, p:40, q:50]
  %1 = mul %0, %C : f64[i:6, p:40, q:50, j:70]
  %2 = mul %1, %D : f64[i:6, p:40, q:50, j:70]
  %3 O = sum[i, p, q, j] %2 : f64
  return O = %3[]
}
----
graph @gram(%A: f64[i:6, p:40], %B: f64[i:6, q:50], %C: f64[p:40, j:70], %D: f64[q:50, j:70]) {
  %0 = mul %D, %B : f64[q:50, j:70, i:6]
  %1 O.X1 = sum[q] %0 : f64[i:6, j:70]
  %2 = mul %1, %C : f64[i:6, j:70, p:40]
  %3 O.X2 = sum[j] %2 : f64[i:6, p:40]
  %4 = mul %3, %A : f64[i:6, p:40]
  %5 O.X3 = sum[p] %4 : f64[i:6]
  %6 O = sum[i] %5 : f64
  return O = %6[]
}
