# The first operand has one place, the second says that i runs to 2.
data a[1] = 2
data b[3] = ramp
expect y = 7

in a : f32[m]
in b : f32[n]
out y : f32
y = sum[i] a[i | 1] * b[i]
