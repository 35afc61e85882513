//! Fourier transforms.

use super::LowerError;
use super::emit::{Emitter, Env};
use tcc_ir::graph::ValueId;

impl Emitter<'_> {
    /// The nest of a stored transform.
    pub fn transform(&mut self, value: ValueId, _env: &Env) -> Result<(), LowerError> {
        Err(LowerError(format!("{value} is a Fourier transform, which has no loops yet")))
    }
}
