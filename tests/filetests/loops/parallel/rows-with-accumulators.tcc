test passes = "vectorize(16), parallel, reuse_buffers"

func @sums() {
  input X: f32[512, 2048]
  output Y: f32[512]
  scratch sum: f32
  for i in 0..512 {
    sum = 0.0f32
    for j in 0..2048 {
      sum += X[i, j] * 0.5f32 + X[i, j] * X[i, j] * X[i, j] * X[i, j] * X[i, j] * X[i, j]
    }
    Y[i] = sum
  }
}
----
func @sums() {
  input X: f32[512, 2048]
  output Y: f32[512]
  scratch sum: f32
  scratch sum.v: f32[16] private at 0
  arena 64
  parallel for i.p in 0..32 {
    for i.c in 0..16 {
      sum = 0.0f32
      vector for j.v in 0..16 {
        sum.v[j.v] = 0.0f32
      }
      for j.o in 0..128 {
        vector for j.v.1 in 0..16 {
          sum.v[j.v.1] += X[i.p * 16 + i.c, j.o * 16 + j.v.1] * 0.5f32 + X[i.p * 16 + i.c, j.o * 16 + j.v.1] * X[i.p * 16 + i.c, j.o * 16 + j.v.1] * X[i.p * 16 + i.c, j.o * 16 + j.v.1] * X[i.p * 16 + i.c, j.o * 16 + j.v.1] * X[i.p * 16 + i.c, j.o * 16 + j.v.1] * X[i.p * 16 + i.c, j.o * 16 + j.v.1]
        }
      }
      vector for j.v.2 in 0..8 {
        sum.v[j.v.2] += sum.v[j.v.2 + 8]
      }
      vector for j.v.3 in 0..4 {
        sum.v[j.v.3] += sum.v[j.v.3 + 4]
      }
      vector for j.v.4 in 0..2 {
        sum.v[j.v.4] += sum.v[j.v.4 + 2]
      }
      sum.v[0] += sum.v[1]
      sum += sum.v[0]
      Y[i.p * 16 + i.c] = sum
    }
  }
}
