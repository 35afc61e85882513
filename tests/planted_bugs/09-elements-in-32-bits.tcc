# 2^32 elements.
data a[65536] = ramp
limit = yes

in a : f32[n]
out y : f32[n, n]
y[i,j] = a[i] * a[j]
