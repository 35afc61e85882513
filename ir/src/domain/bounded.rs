//! The bounded domain: native arithmetic that carries a bound of its own rounding error.
//!
//! Running error analysis (Higham, Accuracy and Stability of Numerical Algorithms, section 3.3): beside
//! every number stand the same expression evaluated on absolute values and a bound of how far rounding
//! may have moved it. Sums are bounded by the absolute values of their terms, so the bound also holds,
//! up to a small factor, for a program that adds in another order.
//!
//! Where rounding can decide which way a program goes (a comparison of nearly equal numbers, the floor
//! of a number near an integer) no bound can be given, and the operation is an error of the domain.

use super::{Domain, Native, meaningless};
use crate::dtype::Dtype;
use crate::error::EvalError;
use crate::scalar::ScalarOp;

/// Every operation rounded to its own dtype, with a running bound of the error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounded;

/// A native number and how far rounding may have moved it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// What [`Native`] computes.
    pub value: f64,
    /// The same expression on absolute values; at least `|value|`.
    pub size: f64,
    /// At least the distance to the result without rounding, to first order; infinite where nothing can
    /// be said.
    pub error: f64,
}

impl Estimate {
    /// Whether `other`, computed by a program that means the same, is near enough: each side may be off
    /// by the bound, and another order of operations may double it. `None` where nothing can be said.
    pub fn admits(&self, other: f64) -> Option<bool> {
        if self.value == other || (self.value.is_nan() && other.is_nan()) {
            return Some(true);
        }
        self.error.is_finite().then(|| (self.value - other).abs() <= SLACK * self.error)
    }

    fn exact(value: f64) -> Estimate {
        Estimate { value, size: value.abs(), error: 0.0 }
    }

    fn negated(self) -> Estimate {
        Estimate { value: -self.value, ..self }
    }
}

/// How often the bound two results may be apart.
const SLACK: f64 = 4.0;

/// Error of an elementary function, in units of the last place.
const FUNCTION_ULPS: f64 = 4.0;

/// Half the distance from 1 to the next number: the largest relative error of one rounding.
pub fn roundoff(dtype: Dtype) -> f64 {
    match dtype.part() {
        Dtype::F16 => 2f64.powi(-11),
        Dtype::BF16 => 2f64.powi(-8),
        Dtype::F32 => 2f64.powi(-24),
        _ => 2f64.powi(-53),
    }
}

/// The smallest positive number, below which relative errors mean nothing.
fn smallest(dtype: Dtype) -> f64 {
    match dtype.part() {
        Dtype::F16 => 2f64.powi(-24),
        Dtype::BF16 => 2f64.powi(-133),
        Dtype::F32 => 2f64.powi(-149),
        _ => f64::from_bits(1),
    }
}

impl Domain for Bounded {
    type Real = Estimate;
    const NAME: &'static str = "bounded";

    fn from_f64(value: f64, dtype: Dtype) -> Estimate {
        Bounded::convert(Estimate::exact(value), dtype)
    }

    fn from_i64(value: i64, dtype: Dtype) -> Estimate {
        let near = Native::from_i64(value, dtype);
        let error = if near as i128 == i128::from(value) { 0.0 } else { roundoff(dtype) * near.abs() };
        Estimate { value: near, size: near.abs(), error }
    }

    fn to_f64(value: Estimate) -> f64 {
        value.value
    }

    fn convert(number: Estimate, dtype: Dtype) -> Estimate {
        let value = Native::convert(number.value, dtype);
        let moved = if value == number.value { 0.0 } else { roundoff(dtype) * number.size + smallest(dtype) };
        Estimate { value, size: number.size.max(value.abs()), error: number.error + moved }
    }

    fn apply(op: ScalarOp, dtype: Dtype, operands: &[Estimate]) -> Result<Estimate, EvalError> {
        let mut values = [f64::NAN; 3];
        for (value, operand) in values.iter_mut().zip(operands) {
            *value = operand.value;
        }
        let value = Native::apply(op, dtype, &values[..operands.len().min(3)])?;
        let (size, error) = match operands {
            [a] => unary(op, dtype, value, a)?,
            [a, b] => binary(op, dtype, value, a, b)?,
            [a, b, c] => {
                let product = product(a, b);
                (product.0 + c.size, product.1 + c.error + rounding(dtype, product.0 + c.size))
            }
            _ => return Err(EvalError::Fault(format!("`{op}` does not take these operands"))),
        };
        Ok(Estimate { value, size: size.max(value.abs()), error })
    }

    fn powi(base: Estimate, exponent: i64, dtype: Dtype) -> Result<Estimate, EvalError> {
        let multiply = |a: Estimate, b: Estimate| Bounded::apply(ScalarOp::Mul, dtype, &[a, b]);
        let power = super::power(base, exponent.unsigned_abs(), multiply)?.unwrap_or(Estimate::exact(1.0));
        if exponent >= 0 {
            return Ok(power);
        }
        Bounded::apply(ScalarOp::Div, dtype, &[Estimate::exact(1.0), power])
    }

    fn test(op: ScalarOp, operands: &[Estimate]) -> Result<bool, EvalError> {
        let values: Vec<f64> = operands.iter().map(|operand| operand.value).collect();
        if let [a, b] = operands {
            let error = SLACK * (a.error + b.error);
            if error > 0.0 && (a.value - b.value).abs() <= error {
                return Err(undecided(op));
            }
        }
        Native::test(op, &values)
    }

    fn to_int(value: Estimate, dtype: Dtype) -> Result<i64, EvalError> {
        let (low, high) = ends(&value);
        let (low, high) = (Native::to_int(low, dtype)?, Native::to_int(high, dtype)?);
        if low == high { Ok(low) } else { Err(undecided(ScalarOp::Cast)) }
    }

    fn to_bits(_value: Estimate, _dtype: Dtype) -> Result<i64, EvalError> {
        Err(meaningless(ScalarOp::ToBits))
    }

    fn from_bits(_bits: i64, _dtype: Dtype) -> Result<Estimate, EvalError> {
        Err(meaningless(ScalarOp::FromBits))
    }

    fn root_of_unity(k: i64, n: i64, dtype: Dtype) -> Result<(Estimate, Estimate), EvalError> {
        let (re, im) = Native::root_of_unity(k, n, dtype)?;
        let near = |value: f64| {
            let exact = matches!(value.abs(), 0.0 | 1.0);
            Estimate {
                error: if exact { 0.0 } else { FUNCTION_ULPS * roundoff(dtype) },
                ..Estimate::exact(value)
            }
        };
        Ok((near(re), near(im)))
    }
}

fn undecided(op: ScalarOp) -> EvalError {
    meaningless(format_args!("{op} that rounding decides"))
}

fn rounding(dtype: Dtype, size: f64) -> f64 {
    roundoff(dtype) * size + smallest(dtype)
}

/// The ends of the interval in which the number without rounding may lie, with the slack of comparisons.
fn ends(a: &Estimate) -> (f64, f64) {
    if a.error == 0.0 {
        return (a.value, a.value);
    }
    (a.value - SLACK * a.error, a.value + SLACK * a.error)
}

/// Size and error of a product before it is rounded.
fn product(a: &Estimate, b: &Estimate) -> (f64, f64) {
    let times = |x: f64, error: f64| if error == 0.0 { 0.0 } else { x * error };
    (a.size * b.size, times(a.size, b.error) + times(b.size, a.error) + times(a.error, b.error))
}

/// Size and error of an operation with one operand.
fn unary(op: ScalarOp, dtype: Dtype, value: f64, a: &Estimate) -> Result<(f64, f64), EvalError> {
    Ok(match op {
        ScalarOp::Neg | ScalarOp::Abs => (a.size, a.error),
        ScalarOp::Sign | ScalarOp::Floor | ScalarOp::Ceil | ScalarOp::Round | ScalarOp::Trunc => {
            let (low, high) = ends(a);
            if Native::apply(op, dtype, &[low])? != Native::apply(op, dtype, &[high])? && !value.is_nan() {
                return Err(undecided(op));
            }
            (value.abs(), 0.0)
        }
        ScalarOp::Sin | ScalarOp::Cos => (value.abs(), a.error.min(2.0) + function_error(dtype, 1.0)),
        // Between poles the slope is 1 + tan^2.
        ScalarOp::Tan => (
            value.abs(),
            spread(&[*a], |x| Ok((1.0 + value * value) * (x[0] - a.value)))? * 2.0
                + function_error(dtype, value),
        ),
        _ => {
            let moved = spread(&[*a], |x| Ok(Native::apply(op, Dtype::F64, x)? - exact(op, &[a.value])?))?;
            (value.abs(), moved + function_error(dtype, value))
        }
    })
}

/// Size and error of an operation with two operands.
fn binary(
    op: ScalarOp,
    dtype: Dtype,
    value: f64,
    a: &Estimate,
    b: &Estimate,
) -> Result<(f64, f64), EvalError> {
    let both_exact = a.error == 0.0 && b.error == 0.0;
    Ok(match op {
        ScalarOp::Add | ScalarOp::Sub => {
            let size = a.size + b.size;
            let other = if op == ScalarOp::Sub { b.negated() } else { *b };
            let rounds = !both_exact || two_sum_residual(a.value, other.value, value) != 0.0;
            (size, a.error + b.error + if rounds { rounding(dtype, size) } else { 0.0 })
        }
        ScalarOp::Mul => {
            let (size, error) = product(a, b);
            let rounds = !both_exact || a.value.mul_add(b.value, -value) != 0.0;
            (size, error + if rounds { rounding(dtype, size) } else { 0.0 })
        }
        ScalarOp::Div => quotient(dtype, value, a, b),
        ScalarOp::FloorDiv | ScalarOp::Mod => {
            let (size, error) = quotient(dtype, a.value / b.value, a, b);
            let quotient = Estimate { value: a.value / b.value, size, error };
            let (low, high) = ends(&quotient);
            if low.floor() != high.floor() && !value.is_nan() {
                return Err(undecided(op));
            }
            if op == ScalarOp::FloorDiv {
                (value.abs(), 0.0)
            } else {
                let size = a.size + b.size * quotient.value.abs();
                (size, a.error + b.error * quotient.value.abs() + 2.0 * rounding(dtype, size))
            }
        }
        // The other may be the infinity with which a maximum begins.
        ScalarOp::Min | ScalarOp::Max if value == a.value => (a.size, a.error.max(b.error)),
        ScalarOp::Min | ScalarOp::Max => (b.size, a.error.max(b.error)),
        ScalarOp::Hypot => (value.abs(), a.error + b.error + function_error(dtype, value)),
        _ => {
            let center = exact(op, &[a.value, b.value])?;
            let moved = spread(&[*a, *b], |x| Ok(Native::apply(op, Dtype::F64, x)? - center))?;
            // Across the branch cut the angle jumps by a turn; of a zero the sign decides, which is not kept.
            let jumps = op == ScalarOp::Atan2 && a.value.abs() <= a.error && b.value <= b.error;
            let moved = if jumps { 2.0 * std::f64::consts::PI } else { moved };
            (value.abs(), moved + function_error(dtype, value))
        }
    })
}

fn quotient(dtype: Dtype, value: f64, a: &Estimate, b: &Estimate) -> (f64, f64) {
    let size = a.size / b.value.abs();
    let exact = a.error == 0.0 && b.error == 0.0;
    if exact && value.mul_add(b.value, -a.value) == 0.0 {
        return (size, 0.0);
    }
    let distance = b.value.abs() - b.error;
    // A divisor that may be zero leaves nothing to say.
    let moved = if exact {
        0.0
    } else if distance > 0.0 {
        (a.error + size * b.error) / distance
    } else {
        f64::INFINITY
    };
    (size, moved + rounding(dtype, size))
}

/// What the rounding of `a + b` to `sum` left out.
fn two_sum_residual(a: f64, b: f64, sum: f64) -> f64 {
    let rest = sum - a;
    (a - (sum - rest)) + (b - rest)
}

fn exact(op: ScalarOp, operands: &[f64]) -> Result<f64, EvalError> {
    Native::apply(op, Dtype::F64, operands)
}

fn function_error(dtype: Dtype, value: f64) -> f64 {
    2.0 * FUNCTION_ULPS * roundoff(dtype) * value.abs() + smallest(dtype)
}

/// The largest change of a function at the corners of the intervals in which its operands may lie; all
/// functions that come here are monotone or convex in each operand between them.
fn spread(
    operands: &[Estimate],
    change: impl Fn(&[f64]) -> Result<f64, EvalError>,
) -> Result<f64, EvalError> {
    let mut worst = 0.0f64;
    for corner in 0..1 << operands.len() {
        let mut place = [0.0; 2];
        for (at, operand) in operands.iter().enumerate() {
            let step = if corner >> at & 1 == 0 { operand.error } else { -operand.error };
            place[at] = operand.value + step;
        }
        let moved = change(&place[..operands.len()])?.abs();
        let known = operands.iter().all(|operand| operand.error == 0.0);
        worst = if known {
            0.0
        } else if moved.is_nan() {
            f64::INFINITY
        } else {
            worst.max(moved)
        };
    }
    Ok(worst)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(value: f64, error: f64) -> Estimate {
        Estimate { value, size: value.abs(), error }
    }

    #[test]
    fn sums_of_small_integers_are_exact_and_sums_of_thirds_are_not() {
        let two = Bounded::apply(ScalarOp::Add, Dtype::F32, &[number(1.0, 0.0), number(1.0, 0.0)]);
        assert_eq!(two, Ok(number(2.0, 0.0)));
        let third = Bounded::from_f64(1.0 / 3.0, Dtype::F32);
        assert!(third.error > 0.0 && third.error < 1e-7);
    }

    #[test]
    fn another_order_of_a_sum_is_within_the_bound_and_a_lost_term_is_not() {
        let terms: Vec<f64> = (0..1000).map(|n| f64::from(f32::sin(n as f32))).collect();
        let add =
            |a, b: &f64| Bounded::apply(ScalarOp::Add, Dtype::F32, &[a, Estimate::exact(*b)]).expect("a sum");
        let forward = terms.iter().fold(Estimate::exact(0.0), add);
        let backward = terms.iter().rev().fold(Estimate::exact(0.0), add);
        assert_ne!(forward.value, backward.value);
        assert_eq!(forward.admits(backward.value), Some(true));
        let lost = terms.iter().skip(2).fold(Estimate::exact(0.0), add);
        assert_eq!(forward.admits(lost.value), Some(false));
    }

    #[test]
    fn cancellation_makes_the_bound_large() {
        let (a, b) = (number(1.0, 1e-7), number(1.0 - 1e-6, 1e-7));
        let small = Bounded::apply(ScalarOp::Sub, Dtype::F32, &[a, b]).expect("a difference");
        assert!(small.error / small.value > 0.1);
        let root = Bounded::apply(ScalarOp::Log, Dtype::F32, &[number(1e-9, 1e-8)]).expect("a logarithm");
        assert_eq!(root.admits(0.0), None);
    }

    #[test]
    fn what_rounding_decides_is_refused() {
        let close = [number(1.0, 1e-7), number(1.0 + 1e-8, 0.0)];
        assert!(Bounded::test(ScalarOp::Lt, &close).is_err());
        assert_eq!(Bounded::test(ScalarOp::Lt, &[number(1.0, 1e-7), number(1.1, 0.0)]), Ok(true));
        assert!(Bounded::apply(ScalarOp::Floor, Dtype::F32, &[number(3.0, 1e-7)]).is_err());
        assert_eq!(Bounded::apply(ScalarOp::Floor, Dtype::F32, &[number(3.0, 0.0)]), Ok(number(3.0, 0.0)));
        assert_eq!(Bounded::to_int(number(3.5, 1e-7), Dtype::I64), Ok(3));
    }
}
