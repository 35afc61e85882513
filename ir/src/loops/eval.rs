//! The meaning of the loop level.

use super::{Func, verify};
use crate::domain::Domain;
use crate::error::{EvalError, VerifyErrors};
use crate::symbol::Bindings;
use crate::tensor::Tensor;

impl crate::Ir for Func {
    const LEVEL: &'static str = "loops";

    fn verify(&self) -> Result<(), VerifyErrors> {
        verify::verify(self)
    }

    fn eval<D: Domain>(&self, _: &[Tensor<D>], _: &Bindings) -> Result<Vec<Tensor<D>>, EvalError> {
        Err(EvalError::Fault("the evaluator of the loop level is not there yet".into()))
    }
}
