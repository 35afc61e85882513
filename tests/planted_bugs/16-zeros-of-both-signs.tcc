# The sign of a zero decides the sign of an infinity.
pipeline = saturate
contract = strict
data p[2] = 1 -1

in p : f32[n]
out y : f32[n]
y[i] = 1 / (if p[i] > 0 then 0.0 else -0.0)
