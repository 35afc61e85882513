# 0 times infinity is NaN.
pipeline = saturate
data a[2] = 1 2
data b[2] = 1 inf

in a, b : f32[n]
out y : f32[n]
y[i] = a[i] + 0 * b[i]
