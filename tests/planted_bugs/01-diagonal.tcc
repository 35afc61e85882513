# The axes of A are i, i, j: the last i is not the last axis.
data A[2, 2, 3] = ramp
expect y = 1 2 3 10 11 12

in A : f32[n, n, m]
out y : f32[n, m]
y[i,j] = A[i,i,j]
