# Neighbouring lanes read places that are three apart.
backends = cranelift

func @witness() {
  input a: f32[16, 3]
  output y: f32[16]
  vector for l in 0..16 { y[l] = a[l, 1] + 1.0f32 }
}
