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
