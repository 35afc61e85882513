//! The intermediate representations of tcc.
//!
//! Two levels exist: [`graph`] (pure dataflow over named axes) and [`loops`] (loop nests over
//! buffers). Every level can print, parse, verify and evaluate itself; the trait [`Ir`] says so,
//! and the pass runner, the tests and the trust tools are written against that trait alone.
//!
//! This crate knows no pass and no backend. The meaning of every scalar operation is the row of
//! the operation in [`scalar`]; the number systems it can be evaluated in are in [`domain`].

pub mod array;
pub mod axis;
pub mod bind;
pub mod domain;
pub mod dtype;
pub mod error;
pub mod evaluate_scalar;
pub mod extent;
pub mod extent_text;
pub mod graph;
pub mod loops;
pub mod planted;
pub mod scalar;
pub mod symbol;
pub mod tensor;

pub use array::Array;
pub use axis::{Axis, Name, Type};
pub use domain::{Domain, Exact, Native, Reference, Value};
pub use dtype::{Dtype, Kind};
pub use error::{EvalError, ParseError, VerifyErrors};
pub use extent::Extent;
pub use planted::planted;
pub use scalar::{ReduceOp, ScalarOp};
pub use symbol::{Bindings, Relation, Requirement, SymbolDecl};
pub use tensor::Tensor;

use std::fmt::Display;
use std::str::FromStr;

/// What every level of the compiler's IR can do.
pub trait Ir: Clone + Display + FromStr<Err = ParseError> {
    /// `graph` or `loops`.
    const LEVEL: &'static str;

    /// Checks the contract of the level (see the documentation of its module).
    fn verify(&self) -> Result<(), VerifyErrors>;

    /// The meaning: slow and plain. `inputs` are in order of declaration, row-major; `bindings`
    /// gives the symbols that the shapes of the inputs do not determine. The results are the
    /// outputs in order of declaration.
    fn eval<D: Domain>(&self, inputs: &[Tensor<D>], bindings: &Bindings)
    -> Result<Vec<Tensor<D>>, EvalError>;
}
