# c lacks both axes that are summed.
pipeline = saturate
sizes = n=2 m=3 p=4

in a : f32[n, m, p]
in c : f32[n]
out y : f32[n]
y[i] = sum[j,k] (a[i,j,k] + c[i])
