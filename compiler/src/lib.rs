//! tcc: a tensor-IR compiler. Tensor equations in, checked kernels out.

#[doc(hidden)]
pub mod operand;
