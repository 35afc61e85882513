test fuzz = "saturate |"
contract = reassoc
inputs = exact 358687561

graph @case(%a: f64, %b: f64[i:2, j:4294967299, l:0]) {
  %0 = const 1.0 : f64
  %1 = index i : i64[i:2]
  %2 = const 2 : i64
  %3 = le %2, %1 : bool[i:2]
  %4 = xor %3, %3 : bool[i:2]
  %5 = const 0.0 : f64
  %6 = select %4, %a, %5 : f64[i:2]
  %7 = div %0, %6 : f64[i:2]
  %8 = div %7, %b : f64[i:2, j:4294967299, l:0]
  %9 = sum[i, j] %8 : f64[l:0]
  return y0 = %9[l], y1 = %8[i, j, l]
}
----
holds
