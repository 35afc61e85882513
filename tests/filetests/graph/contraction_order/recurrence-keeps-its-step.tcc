test passes = "contraction_order, dce"

graph @scan(T; %W: f64[a:20, b:30], %V: f64[b:30, c:20], %x: f64[t:T, a:20]) {
  %0 = state t forward : f64[t:T, c:20]
  %1 = const 1 : i64
  %2 = index t : i64[t:T]
  %3 = sub %2, %1 : i64[t:T]
  %4 = index c : i64[c:20]
  %5 = const 1.0 : f64
  %6 = access %0[%3, %4 | %5] : f64[t:T, c:20]
  %7 = mul %x, %W : f64[t:T, a:20, b:30]
  %8 = mul %7, %V : f64[t:T, a:20, b:30, c:20]
  %9 = mul %8, %6 : f64[t:T, a:20, b:30, c:20]
  %10 = sum[a, b] %9 : f64[t:T, c:20]
  %11 h = recur.0 {%0 <- %10} : f64[t:T, c:20]
  return h = %11[t, c]
}
----
graph @scan(T; %W: f64[a:20, b:30], %V: f64[b:30, c:20], %x: f64[t:T, a:20]) {
  %0 = state t forward : f64[t:T, c:20]
  %1 = const 1 : i64
  %2 = index t : i64[t:T]
  %3 = sub %2, %1 : i64[t:T]
  %4 = index c : i64[c:20]
  %5 = const 1.0 : f64
  %6 = access %0[%3, %4 | %5] : f64[t:T, c:20]
  %7 = mul %x, %6 : f64[t:T, a:20, c:20]
  %8 = mul %W, %V : f64[a:20, b:30, c:20]
  %9 X1 = sum[b] %8 : f64[a:20, c:20]
  %10 = mul %7, %9 : f64[t:T, a:20, c:20]
  %11 = sum[a] %10 : f64[t:T, c:20]
  %12 h = recur.0 {%0 <- %11} : f64[t:T, c:20]
  return h = %12[t, c]
}
