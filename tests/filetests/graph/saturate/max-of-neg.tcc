test rule = "max-of-neg"

graph @example(%a: f32[j:3, k:2, l:3]) {
  %0 = neg %a : f32[j:3, k:2, l:3]
  %1 = max[k, l] %0 : f32[j:3]
  return out = %1[j]
}
----
graph @example(%a: f32[j:3, k:2, l:3]) {
  %0 = min[k, l] %a : f32[j:3]
  %1 = neg %0 : f32[j:3]
  return out = %1[j]
}
