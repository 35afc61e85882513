# Two reductions of one tensor over the same axis.
pipeline = cse

in a : f32[n]
out y : f32
out z : f32
y = sum[i] a[i]
z = max[i] a[i]
