# k runs further than the second axis of x.
pipeline = saturate

in x : f32[n, 1]
out y : f32[n]
y[i] = sum[k:3] x[i,k | 5]
