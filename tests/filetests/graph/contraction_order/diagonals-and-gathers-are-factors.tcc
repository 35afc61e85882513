test passes = "contraction_order, dce"

graph @views(; %A: f64[a:50, b:50], %p: i64[i:40], %U: f64[a:50, r:60], %V: f64[r:60, s:50]) {
  %0 = index s : i64[s:50]
  %1 = access %A[%0, %0] : f64[s:50]
  %2 = index r : i64[r:60]
  %3 = access %U[%p, %2] : f64[i:40, r:60]
  %4 = mul %1, %3 : f64[s:50, i:40, r:60]
  %5 = mul %4, %V : f64[s:50, i:40, r:60]
  %6 = mul %5, %3 : f64[s:50, i:40, r:60]
  %7 O = sum[r, s] %6 : f64[i:40]
  return O = %7[i]
}
----
graph @views(%A: f64[a:50, b:50], %p: i64[i:40], %U: f64[a:50, r:60], %V: f64[r:60, s:50]) {
  %0 = index s : i64[s:50]
  %1 = access %A[%0, %0] : f64[s:50]
  %2 = index r : i64[r:60]
  %3 = access %U[%p, %2] : f64[i:40, r:60]
  %4 = mul %V, %1 : f64[r:60, s:50]
  %5 O.X1 = sum[s] %4 : f64[r:60]
  %6 = mul %3, %3 : f64[i:40, r:60]
  %7 = mul %5, %6 : f64[r:60, i:40]
  %8 O = sum[r] %7 : f64[i:40]
  return O = %8[i]
}
