test passes = "specialise"
bind n = 4
bind w = 2

graph @windows(n, w; %x: f32[i:n]) {
  require w <= n "the window is longer than x"
  return y = %x[i]
}
----
graph @windows(%x: f32[i:4]) {
  return y = %x[i]
}
