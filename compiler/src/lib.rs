//! tcc: a tensor-IR compiler. Tensor equations in, checked kernels out.
//!
//! ```
//! # fn main() -> Result<(), tcc::Error> {
//! use ndarray::{Array1, array};
//!
//! // Sizes and element types come from the arguments and are checked at the call.
//! let scores = tcc::jit("s[i] = sum[k] q[k] * K[i,k]")?;
//! let s: Array1<f32> = scores.call((&array![1f32, 2.0], &array![[1f32, 0.0], [0.0, 1.0]]))?;
//! assert_eq!(s, array![1.0, 2.0]);
//!
//! // A whole program, with a parameter.
//! let program = "param w : int\nin x : f32[n]\nout y : f32[n]\ny[i] = sum[j where i-w < j <= i] x[j]";
//! let window = tcc::Compiler::new().compile(program)?.with("w", 2)?;
//! let y: Array1<f32> = window.call((&array![1f32, 2.0, 3.0],))?;
//! assert_eq!(y, array![1.0, 3.0, 5.0]);
//! # Ok(())
//! # }
//! ```
//!
//! [`jit`] takes an expression, [`Compiler`] has options and takes whole programs, [`Kernel`] is
//! what can be called. Errors are values ([`Error`]); nothing here prints.

pub mod argument;
mod binding_error;
#[doc(hidden)]
pub mod cache;
#[doc(hidden)]
pub mod command;
mod compiler;
mod error;
mod failed_check;
mod kernel;
#[doc(hidden)]
pub mod operand;
#[doc(hidden)]
pub mod specialised;
#[doc(hidden)]
pub mod targets;

pub use argument::{Argument, ArgumentMut, Arguments, ArgumentsMut, Element, Output, Results};
pub use cache::Cache;
pub use compiler::{Compiler, Number, Source};
pub use error::{Error, Result};
pub use kernel::{Kernel, Prepared};
pub use specialised::Place;
pub use tcc_frontend::diagnostic::Diagnostic;
pub use tcc_ir::{Array, Dtype};
pub use tcc_passes::{Contract, Recipe};

/// Compiles an expression with the default options: `C[i,k] += A[i,j] * B[j,k]`, or a classic einsum
/// string such as `ij,jk->ik`. Tensors that no equation defines are operands, in the order in which
/// they are read first; tensors that no equation reads are results.
///
/// # Errors
/// Everything that is wrong with the text.
pub fn jit(text: &str) -> Result<Kernel> {
    Compiler::new().jit(text)
}

/// The Rust program that the README shows, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
