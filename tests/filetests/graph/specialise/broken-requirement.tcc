test passes = "specialise"
bind n = 4
bind w = 6

graph @windows(n, w; %x: f32[i:n]) {
  require w <= n "the window is longer than x"
  return y = %x[i]
}
----
graph @windows(n, w; %x: f32[i:n]) {
  require w <= n "the window is longer than x"
  return y = %x[i]
}
