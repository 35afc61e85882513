# c does not stand at the beginning of the arena, and is too large for registers.
backends = cranelift

func @witness() {
  input a: f32[1024]
  output y: f32[1024]
  scratch b: f32[1024] at 0
  scratch c: f32[1024] at 4096
  arena 8192
  for i in 0..64 {
    vector for l in 0..16 { b[i * 16 + l] = a[i * 16 + l] }
    vector for l.1 in 0..16 { c[i * 16 + l.1] = a[i * 16 + l.1] + 1.0f32 }
  }
  for i.1 in 0..64 {
    vector for l.2 in 0..16 { y[i.1 * 16 + l.2] = b[i.1 * 16 + l.2] * c[i.1 * 16 + l.2] }
  }
}
