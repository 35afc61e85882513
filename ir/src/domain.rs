//! Number domains: what stands for the reals when an IR is evaluated.
//!
//! Integers and truth values are always native, since indices and wrap-around are integer matters.
//! Four domains exist: [`Reference`] (every float dtype is computed in f64), [`Native`] (every
//! operation is rounded to its dtype, as the backends do), [`Bounded`] (native, with a running bound
//! of the rounding error) and [`Exact`] (arithmetic modulo a 61-bit prime, in which non-algebraic
//! functions are fixed pseudo-random functions, so that two programs that are equal over the reals
//! agree with no tolerance at all).

use crate::dtype::Dtype;
use crate::error::EvalError;
use crate::scalar::ScalarOp;
use std::fmt;

mod bounded;
mod exact;
mod floats;
mod modular;
mod native;
mod reference;

pub use bounded::{Bounded, Estimate, roundoff};
pub use exact::{Exact, Residue};
pub(crate) use floats::power;
pub use native::Native;
pub use reference::Reference;

/// A number system that stands for the reals.
///
/// `dtype` arguments are float dtypes and say which rounding applies, if the domain rounds.
pub trait Domain: Clone + Copy + fmt::Debug + PartialEq + 'static {
    /// What stands for a real number.
    type Real: Copy + fmt::Debug + PartialEq;
    /// Name in reports.
    const NAME: &'static str;

    /// The number nearest to `value` (exact domains: `value` as a rational).
    fn from_f64(value: f64, dtype: Dtype) -> Self::Real;
    /// The number nearest to the integer `value`.
    fn from_i64(value: i64, dtype: Dtype) -> Self::Real;
    /// The f64 nearest to a number; exact domains: the residue (for reports only).
    fn to_f64(value: Self::Real) -> f64;
    /// Conversion of a real to another float dtype.
    fn convert(value: Self::Real, dtype: Dtype) -> Self::Real;
    /// An operation on reals of one float dtype with a real result (row signatures `Numeric`,
    /// `Ordered`, `Float`, `Field`, and `PowInt` through [`Domain::powi`]).
    fn apply(op: ScalarOp, dtype: Dtype, operands: &[Self::Real]) -> Result<Self::Real, EvalError>;
    /// Integer power.
    fn powi(base: Self::Real, exponent: i64, dtype: Dtype) -> Result<Self::Real, EvalError>;
    /// `eq`, `ne`, `lt`, `le`, `isnan`, `isfinite`.
    fn test(op: ScalarOp, operands: &[Self::Real]) -> Result<bool, EvalError>;
    /// Cast to an integer dtype (saturating, NaN to 0); an error where the domain has no order.
    fn to_int(value: Self::Real, dtype: Dtype) -> Result<i64, EvalError>;
    /// The bits of an f32 or f64.
    fn to_bits(value: Self::Real, dtype: Dtype) -> Result<i64, EvalError>;
    /// The f32 or f64 with these bits.
    fn from_bits(bits: i64, dtype: Dtype) -> Result<Self::Real, EvalError>;
    /// Real and imaginary part of `cis(-2 pi k / n)`, for discrete Fourier transforms.
    fn root_of_unity(k: i64, n: i64, dtype: Dtype) -> Result<(Self::Real, Self::Real), EvalError>;
}

/// An element: a truth value, an integer, a real or a complex number of the domain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<D: Domain> {
    /// Of dtype bool.
    Bool(bool),
    /// Of an integer dtype, already wrapped to it.
    Int(i64),
    /// Of a float dtype.
    Real(D::Real),
    /// Of a complex dtype.
    Complex(D::Real, D::Real),
}

impl<D: Domain> Value<D> {
    /// The truth value, if it is one.
    pub fn as_bool(self) -> Option<bool> {
        match self {
            Value::Bool(b) => Some(b),
            Value::Int(_) | Value::Real(_) | Value::Complex(..) => None,
        }
    }

    /// The integer, if it is one.
    pub fn as_int(self) -> Option<i64> {
        match self {
            Value::Int(i) => Some(i),
            Value::Bool(_) | Value::Real(_) | Value::Complex(..) => None,
        }
    }

    /// The real number, if it is one.
    pub fn as_real(self) -> Option<D::Real> {
        match self {
            Value::Real(r) => Some(r),
            Value::Bool(_) | Value::Int(_) | Value::Complex(..) => None,
        }
    }
}

/// An operation that means nothing in a number domain.
fn meaningless(what: impl fmt::Display) -> EvalError {
    EvalError::Domain(what.to_string())
}
