test passes = "fold, dce"

graph @wrap(; %k: u8[i:4]) {
  %0 = const 200 : u8
  %1 = const 100 : u8
  %2 = add %0, %1 : u8
  %3 = add %2, %k : u8[i:4]
  return y = %3[i]
}
----
graph @wrap(%k: u8[i:4]) {
  %0 = const 44 : u8
  %1 = add %0, %k : u8[i:4]
  return y = %1[i]
}
