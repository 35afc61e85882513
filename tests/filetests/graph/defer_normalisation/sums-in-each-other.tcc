test passes = "defer_normalisation, dce"

graph @simplicial(n; %S: f32[i:n, j:n, k:n], %V: f32[j:n, e:4], %W: f32[k:n, e:4]) {
  %0 = softmax[j, k] %S : f32[i:n, j:n, k:n]
  %1 = mul %V, %0 : f32[j:n, e:4, i:n, k:n]
  %2 = sum[j] %1 : f32[e:4, i:n, k:n]
  %3 = mul %W, %2 : f32[k:n, e:4, i:n]
  %4 = sum[k] %3 : f32[e:4, i:n]
  return O = %4[i, e]
}
----
graph @simplicial(n; %S: f32[i:n, j:n, k:n], %V: f32[j:n, e:4], %W: f32[k:n, e:4]) {
  %0 = max[k] %S : f32[i:n, j:n]
  %1 = const 0.0 : f32
  %2 = const -inf : f32
  %3 = eq %0, %2 : bool[i:n, j:n]
  %4 = select %3, %1, %0 : f32[i:n, j:n]
  %5 = sub %S, %4 : f32[i:n, j:n, k:n]
  %6 = min %5, %1 : f32[i:n, j:n, k:n]
  %7 = exp %6 : f32[i:n, j:n, k:n]
  %8 = sum[k] %7 : f32[i:n, j:n]
  %9 = mul %7, %W : f32[i:n, j:n, k:n, e:4]
  %10 = sum[k] %9 : f32[i:n, j:n, e:4]
  %11 = max[j] %0 : f32[i:n]
  %12 = const 0.0 : f32
  %13 = const -inf : f32
  %14 = eq %11, %13 : bool[i:n]
  %15 = select %14, %12, %11 : f32[i:n]
  %16 = sub %0, %15 : f32[i:n, j:n]
  %17 = min %16, %12 : f32[i:n, j:n]
  %18 = exp %17 : f32[i:n, j:n]
  %19 = mul %18, %8 : f32[i:n, j:n]
  %20 = sum[j] %19 : f32[i:n]
  %21 = mul %18, %10 : f32[i:n, j:n, e:4]
  %22 = mul %21, %V : f32[i:n, j:n, e:4]
  %23 = const 0.0 : f32
  %24 = const 1.0 : f32
  %25 = eq %20, %23 : bool[i:n]
  %26 = select %25, %24, %20 : f32[i:n]
  %27 = div %24, %26 : f32[i:n]
  %28 = sum[j] %22 : f32[i:n, e:4]
  %29 = mul %28, %27 : f32[e:4, i:n]
  return O = %29[i, e]
}
