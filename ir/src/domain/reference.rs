//! The reference domain: every float dtype is computed in f64 and never rounded to its own width.

use super::Domain;
use super::floats::{self, Float};
use crate::dtype::Dtype;
use crate::error::EvalError;
use crate::scalar::ScalarOp;

/// Every float dtype computed in f64: the reference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reference;

impl Domain for Reference {
    type Real = f64;
    const NAME: &'static str = "reference";

    fn from_f64(value: f64, _dtype: Dtype) -> f64 {
        value
    }

    fn from_i64(value: i64, _dtype: Dtype) -> f64 {
        value as f64
    }

    fn to_f64(value: f64) -> f64 {
        value
    }

    fn convert(value: f64, _dtype: Dtype) -> f64 {
        value
    }

    #[inline]
    fn apply(op: ScalarOp, _dtype: Dtype, operands: &[f64]) -> Result<f64, EvalError> {
        let (a, b, c) = floats::three(operands);
        match f64::arithmetic(op, a, b, c) {
            Some(result) => Ok(result),
            None => floats::function(op, a, b),
        }
    }

    fn powi(base: f64, exponent: i64, _dtype: Dtype) -> Result<f64, EvalError> {
        let power = floats::power(base, exponent.unsigned_abs(), |a, b| Ok::<_, EvalError>(a * b))?;
        let power = power.unwrap_or(1.0);
        Ok(if exponent < 0 { 1.0 / power } else { power })
    }

    #[inline]
    fn test(op: ScalarOp, operands: &[f64]) -> Result<bool, EvalError> {
        floats::test(op, operands)
    }

    fn to_int(value: f64, dtype: Dtype) -> Result<i64, EvalError> {
        Ok(floats::to_int(value, dtype))
    }

    fn to_bits(value: f64, dtype: Dtype) -> Result<i64, EvalError> {
        Ok(floats::to_bits(value, dtype))
    }

    fn from_bits(bits: i64, dtype: Dtype) -> Result<f64, EvalError> {
        Ok(floats::from_bits(bits, dtype))
    }

    fn root_of_unity(k: i64, n: i64, _dtype: Dtype) -> Result<(f64, f64), EvalError> {
        Ok(floats::root_of_unity(k, n))
    }
}
