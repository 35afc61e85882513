# A constant is subtracted from.
pipeline = canonicalize

in a : f32[n]
out y : f32[n]
y[i] = 1 - a[i]
