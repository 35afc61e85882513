# A repeated letter stands before the ellipsis.
data A[3, 3, 2] = ramp
expect out = 1 2 9 10 17 18

ii...->i...
