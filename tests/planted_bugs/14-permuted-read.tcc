# x is square, and l is another name of k.
pipeline = saturate

in x : f32[n, n, m]
out y : f32[n, n]
out z : f32[n, n]
y[i,j] = sum[k] x[i,j,k]
z[i,j] = sum[l] x[j,i,l]
