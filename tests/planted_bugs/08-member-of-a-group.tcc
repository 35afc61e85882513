# h has the size H, which is no number; k has what is left of H*e.
data W[2] = 1 10
data x[1, 6] = ramp
expect z = 334

in W : f32[H]
in x : f32[n, H*e]
out z : f32[n]
t[i,k] = sum[h] x[i,(h k)] * W[h]
z[i] = sum[k] t[i,k] * (k + 1)
