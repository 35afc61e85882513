test passes = "fold, dce"

graph @rounds(; %x: f32[i:4]) {
  %0 = const 1.0 : f32
  %1 = const 3.0 : f32
  %2 = div %0, %1 : f32
  %3 = mul %1, %1 : f32
  %4 = mul %2, %3 : f32
  %5 = mul %4, %x : f32[i:4]
  return y = %5[i]
}
----
graph @rounds(%x: f32[i:4]) {
  %0 = const 1.0 : f32
  %1 = const 3.0 : f32
  %2 = div %0, %1 : f32
  %3 = const 9.0 : f32
  %4 = mul %2, %3 : f32
  %5 = mul %4, %x : f32[i:4]
  return y = %5[i]
}
