test fuzz = "saturate |"
contract = reassoc
inputs = exact 1

graph @case(%x0: f32[j:2, k:2, l:1]) {
  %0 = const 0.0 : f32
  %1 = mul %x0, %0 : f32[j:2, k:2, l:1]
  %2 = mul %1, %x0 : f32[j:2, k:2, l:1]
  %3 = mul %2, %x0 : f32[j:2, k:2, l:1]
  %4 = sum[k] %3 : f32[j:2, l:1]
  %5 = atan2 %4, %4 : f32[j:2, l:1]
  return y0 = %5[j, l]
}
----
holds
