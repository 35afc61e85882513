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
  %6 = exp %5 : f32[i:n, j:n, k:n]
  %7 = sum[k] %6 : f32[i:n, j:n]
  %8 = mul %6, %W : f32[i:n, j:n, k:n, e:4]
  %9 = sum[k] %8 : f32[i:n, j:n, e:4]
  %10 = max[j] %0 : f32[i:n]
  %11 = const 0.0 : f32
  %12 = const -inf : f32
  %13 = eq %10, %12 : bool[i:n]
  %14 = select %13, %11, %10 : f32[i:n]
  %15 = sub %0, %14 : f32[i:n, j:n]
  %16 = exp %15 : f32[i:n, j:n]
  %17 = mul %16, %7 : f32[i:n, j:n]
  %18 = sum[j] %17 : f32[i:n]
  %19 = mul %16, %9 : f32[i:n, j:n, e:4]
  %20 = mul %19, %V : f32[i:n, j:n, e:4]
  %21 = const 0.0 : f32
  %22 = const 1.0 : f32
  %23 = eq %18, %21 : bool[i:n]
  %24 = select %23, %22, %18 : f32[i:n]
  %25 = sum[j] %20 : f32[i:n, e:4]
  %26 = div %25, %24 : f32[e:4, i:n]
  return O = %26[i, e]
}
