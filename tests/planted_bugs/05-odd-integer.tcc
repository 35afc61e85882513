# No f32 is 2^24 + 1.
data A[2] = 1 2
expect y = 16777218 16777219

in A : i32[n]
out y : i32[n]
y[i] = A[i] + 16777217
