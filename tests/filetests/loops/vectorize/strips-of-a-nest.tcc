test passes = "vectorize(8)"

func @trace_of_product() {
  input A: f32[5, 16]
  input B: f32[16, 5]
  output Y: f32
  scratch acc: f32
  acc = 0.0f32
  for i in 0..5 {
    for j in 0..16 {
      acc += A[i, j] * B[j, i]
    }
  }
  Y = acc
}
----
func @trace_of_product() {
  input A: f32[5, 16]
  input B: f32[16, 5]
  output Y: f32
  scratch acc: f32
  scratch acc.v: f32[8]
  acc = 0.0f32
  vector for j.s.v in 0..8 {
    acc.v[j.s.v] = 0.0f32
  }
  for j.s in 0..2 {
    for i in 0..5 {
      for j.o in 0..1 {
        vector for j.v in 0..8 {
          acc.v[j.v] += A[i, j.s * 8 + (j.o * 8 + j.v)] * B[j.s * 8 + (j.o * 8 + j.v), i]
        }
      }
    }
  }
  vector for j.s.v.1 in 0..4 {
    acc.v[j.s.v.1] += acc.v[j.s.v.1 + 4]
  }
  vector for j.s.v.2 in 0..2 {
    acc.v[j.s.v.2] += acc.v[j.s.v.2 + 2]
  }
  acc.v[0] += acc.v[1]
  acc += acc.v[0]
  Y = acc
}
