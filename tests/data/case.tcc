test fuzz = "canonicalize, cse | fuse, tile(4)"
bind n = 4
contract = strict
inputs = exact 17

graph @negated(n; %x: f32[i:n]) {
  %0 = neg %x : f32[i:n]
  return y = %0[i]
}
