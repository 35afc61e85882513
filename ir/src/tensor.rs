//! Tensors of an evaluator: elements in the numbers of a [`Domain`].

use crate::domain::{Domain, Value};
use crate::dtype::Dtype;

/// A dense row-major tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor<D: Domain> {
    /// Element type of the program; the elements are its representatives in the domain.
    pub dtype: Dtype,
    /// Extents, outermost first.
    pub shape: Vec<usize>,
    /// Elements in row-major order.
    pub data: Vec<Value<D>>,
}
