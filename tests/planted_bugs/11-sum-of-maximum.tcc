# The sum of b costs less than a maximum at every point.
pipeline = saturate

in a : f32[n, m]
in b : f32[m]
out y : f32[n]
y[i] = sum[k] max(a[i,k], b[k])
