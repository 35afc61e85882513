test passes = "contraction_order, dce"

graph @scores(; %Q: f32[i:64, l:16], %K: f32[j:64, l:16], %L: f32[k:64, l:16]) {
  %0 = mul %Q, %K : f32[i:64, l:16, j:64]
  %1 = mul %0, %L : f32[i:64, l:16, j:64, k:64]
  %2 S = sum[l] %1 : f32[i:64, j:64, k:64]
  return S = %2[i, j, k]
}
----
graph @scores(%Q: f32[i:64, l:16], %K: f32[j:64, l:16], %L: f32[k:64, l:16]) {
  %0 = mul %Q, %K : f32[i:64, l:16, j:64]
  %1 = mul %0, %L : f32[i:64, l:16, j:64, k:64]
  %2 S = sum[l] %1 : f32[i:64, j:64, k:64]
  return S = %2[i, j, k]
}
