//! The native domain: every operation is rounded to its own dtype, as hardware does.
//!
//! A number of any float dtype is held in an f64, which contains them all. f32 operations are done
//! in f32. f16 and bf16 operations are done in f32 and rounded once at the end. Functions that are
//! not arithmetic are done in f64 and rounded.

use super::Domain;
use super::floats::{self, Float};
use crate::dtype::Dtype;
use crate::error::EvalError;
use crate::scalar::ScalarOp;

/// Every operation rounded to its own dtype.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Native;

impl Domain for Native {
    type Real = f64;
    const NAME: &'static str = "native";

    fn from_f64(value: f64, dtype: Dtype) -> f64 {
        dtype.round(value)
    }

    fn from_i64(value: i64, dtype: Dtype) -> f64 {
        match dtype.part() {
            Dtype::F64 => value as f64,
            // An i64 does not fit in an f64: rounding twice would not round to nearest.
            Dtype::F32 => f64::from(value as f32),
            _ => dtype.round(f64::from(value as f32)),
        }
    }

    fn to_f64(value: f64) -> f64 {
        value
    }

    fn convert(value: f64, dtype: Dtype) -> f64 {
        dtype.round(value)
    }

    #[inline]
    fn apply(op: ScalarOp, dtype: Dtype, operands: &[f64]) -> Result<f64, EvalError> {
        let (a, b, c) = floats::three(operands);
        let arithmetic = match dtype.part() {
            Dtype::F64 => f64::arithmetic(op, a, b, c),
            Dtype::F32 => f32::arithmetic(op, a as f32, b as f32, c as f32).map(f64::from),
            _ => f32::arithmetic(op, a as f32, b as f32, c as f32).map(|r| dtype.round(f64::from(r))),
        };
        match arithmetic {
            Some(result) => Ok(result),
            None => Ok(dtype.round(floats::function(op, a, b)?)),
        }
    }

    fn powi(base: f64, exponent: i64, dtype: Dtype) -> Result<f64, EvalError> {
        let multiply = |a, b| Native::apply(ScalarOp::Mul, dtype, &[a, b]);
        let power = floats::power(base, exponent.unsigned_abs(), multiply)?.unwrap_or(1.0);
        if exponent < 0 { Native::apply(ScalarOp::Div, dtype, &[1.0, power]) } else { Ok(power) }
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

    fn root_of_unity(k: i64, n: i64, dtype: Dtype) -> Result<(f64, f64), EvalError> {
        let (re, im) = floats::root_of_unity(k, n);
        Ok((dtype.round(re), dtype.round(im)))
    }
}
