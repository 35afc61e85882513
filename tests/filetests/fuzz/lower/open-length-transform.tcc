test fuzz = "| hoist, simplify"
size m = 2
contract = strict
inputs = exact 0

graph @case(m; %x0: f32[j:m, l:m]) {
  %0 = rfft[l -> l.f] %x0 : c64[j:m, l.f:(m div 2) + 1]
  return y1 = %0[l.f, j]
}
----
holds
