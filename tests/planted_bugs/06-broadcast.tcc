# The first operand is the one that broadcasts.
data A[1, 3] = ramp
data B[2, 3] = ramp
expect out = 1 4 9 4 10 18

...,...->...
