graph @scaled(n, m; %x: T[e:m], %a: T, %d: i64[e:m]) {
  %0 = mul %x, %a : T[e:m]
  %1 = scatter.sum [%d] %0 : T[v:n]
  return out = %1[v]
}
