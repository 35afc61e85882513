# The sign of a zero decides the sign of an infinity.
pipeline = saturate
contract = strict
data a[2] = 1 2
data w = -1

in a : f32[n]
in w : f32
out y : f32[n]
y[i] = a[i] / (if w > 0 then 0.0 else -0.0)
