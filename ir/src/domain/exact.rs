//! The exact domain: arithmetic modulo a prime.
//!
//! Two programs that are equal over the reals by field arithmetic agree here on every input with no
//! tolerance; two that differ agree on a random input with a probability of about 2^-61.
//!
//! Functions that are not algebraic are fixed pseudo-random functions of their argument, built so that
//! the identities among them hold: `exp(-x) = 1/exp(x)`, `sin^2 + cos^2 = 1`, parities, the hyperbolic
//! functions from `exp`, values at 0. Square roots of numbers with small prime factors are true roots
//! and multiply as roots do. What needs an order (`<`, `max`, `floor`, casts to integers) is an error.

use super::{Domain, meaningless, modular};
use crate::dtype::Dtype;
use crate::error::EvalError;
use crate::scalar::ScalarOp;

/// Arithmetic modulo the prime 2305835932605004801.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exact;

/// A number modulo the prime, or one of the marks for the infinities and NaN, with which nothing can
/// be computed but which can be selected away (a guarded softmax).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Residue(u64);

impl Residue {
    const INFINITY: Residue = Residue(u64::MAX);
    const NEG_INFINITY: Residue = Residue(u64::MAX - 1);
    const NAN: Residue = Residue(u64::MAX - 2);

    /// The residue of `value`, reduced.
    pub fn new(value: u64) -> Residue {
        Residue(value % modular::PRIME)
    }

    /// The number, if it is not an infinity or NaN.
    pub fn finite(self) -> Option<u64> {
        (self.0 < modular::PRIME).then_some(self.0)
    }
}

impl Domain for Exact {
    type Real = Residue;
    const NAME: &'static str = "exact";

    /// The rational number that the f64 is.
    fn from_f64(value: f64, _dtype: Dtype) -> Residue {
        if value.is_nan() {
            return Residue::NAN;
        }
        if value.is_infinite() {
            return if value > 0.0 { Residue::INFINITY } else { Residue::NEG_INFINITY };
        }
        let bits = value.abs().to_bits();
        let (exponent, fraction) = (bits >> 52, bits & ((1 << 52) - 1));
        let (significand, exponent) =
            if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent as i64 - 1075) };
        // 2^(p - 1) = 1, so a negative power is a positive one.
        let scale = modular::power(2, exponent.rem_euclid(modular::PRIME as i64 - 1) as u64);
        let magnitude = modular::multiply(significand, scale);
        Residue(if value < 0.0 { modular::negate(magnitude) } else { magnitude })
    }

    fn from_i64(value: i64, _dtype: Dtype) -> Residue {
        Residue(modular::from_i64(value))
    }

    fn to_f64(value: Residue) -> f64 {
        match value {
            Residue::INFINITY => f64::INFINITY,
            Residue::NEG_INFINITY => f64::NEG_INFINITY,
            Residue::NAN => f64::NAN,
            Residue(residue) => residue as f64,
        }
    }

    fn convert(value: Residue, _dtype: Dtype) -> Residue {
        value
    }

    fn apply(op: ScalarOp, _dtype: Dtype, operands: &[Residue]) -> Result<Residue, EvalError> {
        let mut finite = [0; 3];
        for (slot, operand) in finite.iter_mut().zip(operands) {
            match operand.finite() {
                Some(residue) => *slot = residue,
                None => return with_infinity(op, operands),
            }
        }
        algebraic(op, finite).map(Residue)
    }

    fn powi(base: Residue, exponent: i64, _dtype: Dtype) -> Result<Residue, EvalError> {
        let base = base.finite().ok_or_else(|| meaningless("a power of an infinity"))?;
        integer_power(base, exponent).map(Residue)
    }

    fn test(op: ScalarOp, operands: &[Residue]) -> Result<bool, EvalError> {
        Ok(match (op, operands) {
            (ScalarOp::Eq, [a, b]) => a == b && *a != Residue::NAN,
            (ScalarOp::Ne, [a, b]) => a != b || *a == Residue::NAN,
            (ScalarOp::IsNan, [a]) => *a == Residue::NAN,
            (ScalarOp::IsFinite, [a]) => a.finite().is_some(),
            _ => return Err(meaningless(op)),
        })
    }

    fn to_int(_value: Residue, dtype: Dtype) -> Result<i64, EvalError> {
        Err(meaningless(format_args!("cast to {dtype}")))
    }

    fn to_bits(_value: Residue, _dtype: Dtype) -> Result<i64, EvalError> {
        Err(meaningless(ScalarOp::ToBits))
    }

    fn from_bits(_bits: i64, _dtype: Dtype) -> Result<Residue, EvalError> {
        Err(meaningless(ScalarOp::FromBits))
    }

    fn root_of_unity(k: i64, n: i64, _dtype: Dtype) -> Result<(Residue, Residue), EvalError> {
        let refused = || meaningless(format_args!("a root of unity of order {n}"));
        let order = u64::try_from(n).map_err(|_| refused())?;
        let root = modular::primitive_root(order).ok_or_else(refused)?;
        let (cosine, sine) = circle(modular::power(root, k.rem_euclid(n) as u64))?;
        Ok((Residue(cosine), Residue(modular::negate(sine))))
    }
}

/// The few operations that have a value where an operand is an infinity or NaN.
fn with_infinity(op: ScalarOp, operands: &[Residue]) -> Result<Residue, EvalError> {
    match (op, operands) {
        (ScalarOp::Exp, [Residue::NEG_INFINITY]) => Ok(Residue(0)),
        (ScalarOp::Neg, [Residue::NEG_INFINITY]) => Ok(Residue::INFINITY),
        (ScalarOp::Neg, [Residue::INFINITY]) => Ok(Residue::NEG_INFINITY),
        (ScalarOp::Max, [Residue::NEG_INFINITY, other] | [other, Residue::NEG_INFINITY])
        | (ScalarOp::Min, [Residue::INFINITY, other] | [other, Residue::INFINITY]) => Ok(*other),
        _ => Err(meaningless(format_args!("{op} of an infinity"))),
    }
}

fn divide(a: u64, b: u64) -> Result<u64, EvalError> {
    let inverse = modular::inverse(b).ok_or_else(|| meaningless("division by zero"))?;
    Ok(modular::multiply(a, inverse))
}

fn integer_power(base: u64, exponent: i64) -> Result<u64, EvalError> {
    let power = modular::power(base, exponent.unsigned_abs());
    if exponent < 0 { divide(1, power) } else { Ok(power) }
}

/// `f(x) / f(-x)` for a pseudo-random f: 1 at 0, and its inverse at `-x`.
fn exponential(seed: u64, a: u64) -> Result<u64, EvalError> {
    divide(modular::pseudo_random(seed, a, 0), modular::pseudo_random(seed, modular::negate(a), 0))
}

/// `f(x) - f(-x)` for a pseudo-random f: 0 at 0, and its negative at `-x`.
fn odd(op: ScalarOp, a: u64) -> u64 {
    let random = |x| modular::pseudo_random(op as u64, x, 0);
    modular::add(random(a), modular::negate(random(modular::negate(a))))
}

/// Half the sum and half the difference of `w` and `1/w`.
fn halves(w: u64) -> Result<(u64, u64), EvalError> {
    let inverse = divide(1, w)?;
    let half = modular::PRIME.div_ceil(2);
    let difference = modular::add(w, modular::negate(inverse));
    Ok((modular::multiply(half, modular::add(w, inverse)), modular::multiply(half, difference)))
}

/// The point `((w + 1/w)/2, (w - 1/w)/(2 i))` of the unit circle.
fn circle(w: u64) -> Result<(u64, u64), EvalError> {
    let (cosine, difference) = halves(w)?;
    let imaginary = modular::square_root(modular::PRIME - 1).unwrap_or(1);
    Ok((cosine, divide(difference, imaginary)?))
}

/// A root of `a`: for a fraction of small numbers without prime factors above 29, the product of the
/// roots of its factors; else any true root. Half of the numbers have none: a number in its place would make
/// `sqrt(a) * sqrt(a)` another value than `a`.
fn square_root(a: u64) -> Result<u64, EvalError> {
    let root = modular::small_fraction(a).and_then(smooth_root).or_else(|| modular::square_root(a));
    root.ok_or_else(|| EvalError::Domain("a square root that the field does not have".into()))
}

fn smooth_root((numerator, denominator): (i64, u64)) -> Option<u64> {
    if numerator == 0 {
        return Some(0);
    }
    let mut root = if numerator < 0 { modular::square_root(modular::PRIME - 1)? } else { 1 };
    for (mut rest, invert) in [(numerator.unsigned_abs(), false), (denominator, true)] {
        // A square factor need not be smooth: take the integer root of what is left.
        for prime in [2u64, 3, 5, 7, 11, 13, 17, 19, 23, 29] {
            while rest.is_multiple_of(prime) {
                rest /= prime;
                let factor = modular::square_root(prime)?;
                root = modular::multiply(root, if invert { modular::inverse(factor)? } else { factor });
            }
        }
        let left = rest.isqrt();
        if left * left != rest {
            return None;
        }
        root = modular::multiply(root, if invert { modular::inverse(left)? } else { left });
    }
    Some(root)
}

fn algebraic(op: ScalarOp, [a, b, c]: [u64; 3]) -> Result<u64, EvalError> {
    use modular::{add, multiply, negate, pseudo_random};
    const EXP: u64 = ScalarOp::Exp as u64;
    const TURN: u64 = ScalarOp::Cos as u64;
    let hyperbolic = |a| exponential(EXP, a).and_then(halves);
    let trigonometric = |a| exponential(TURN, a).and_then(circle);
    // f(x) - f(1/x): 0 at 1, and log(1/x) = -log(x).
    let logarithm = |a| {
        let random = |x| pseudo_random(ScalarOp::Log as u64, x, 0);
        Ok(add(random(a), negate(random(divide(1, a)?))))
    };
    match op {
        ScalarOp::Add => Ok(add(a, b)),
        ScalarOp::Sub => Ok(add(a, negate(b))),
        ScalarOp::Mul => Ok(multiply(a, b)),
        ScalarOp::Div => divide(a, b),
        ScalarOp::Neg => Ok(negate(a)),
        ScalarOp::Fma => Ok(add(multiply(a, b), c)),
        ScalarOp::Pow => match modular::small_fraction(b) {
            Some((exponent, 1)) => integer_power(a, exponent),
            Some((exponent, 2)) => integer_power(square_root(a)?, exponent),
            _ => Ok(pseudo_random(op as u64, a, b)),
        },
        ScalarOp::Sqrt => square_root(a),
        ScalarOp::Exp => exponential(EXP, a),
        ScalarOp::Expm1 => Ok(add(exponential(EXP, a)?, modular::PRIME - 1)),
        ScalarOp::Log => logarithm(a),
        ScalarOp::Log1p => logarithm(add(a, 1)),
        ScalarOp::Sin => Ok(trigonometric(a)?.1),
        ScalarOp::Cos => Ok(trigonometric(a)?.0),
        ScalarOp::Tan => trigonometric(a).and_then(|(cosine, sine)| divide(sine, cosine)),
        ScalarOp::Sinh => Ok(hyperbolic(a)?.1),
        ScalarOp::Cosh => Ok(hyperbolic(a)?.0),
        ScalarOp::Tanh => hyperbolic(a).and_then(|(cosine, sine)| divide(sine, cosine)),
        ScalarOp::Cbrt
        | ScalarOp::Asin
        | ScalarOp::Atan
        | ScalarOp::Asinh
        | ScalarOp::Atanh
        | ScalarOp::Erf => Ok(odd(op, a)),
        ScalarOp::Erfc => Ok(add(1, negate(odd(ScalarOp::Erf, a)))),
        ScalarOp::Acos | ScalarOp::Acosh | ScalarOp::Atan2 => Ok(pseudo_random(op as u64, a, b)),
        ScalarOp::Hypot => square_root(add(multiply(a, a), multiply(b, b))),
        ScalarOp::Min | ScalarOp::Max if a == b => Ok(a),
        ScalarOp::FloorDiv
        | ScalarOp::Mod
        | ScalarOp::Min
        | ScalarOp::Max
        | ScalarOp::Abs
        | ScalarOp::Sign
        | ScalarOp::Floor
        | ScalarOp::Ceil
        | ScalarOp::Round
        | ScalarOp::Trunc => Err(meaningless(op)),
        ScalarOp::PowInt
        | ScalarOp::IsNan
        | ScalarOp::IsFinite
        | ScalarOp::Eq
        | ScalarOp::Ne
        | ScalarOp::Lt
        | ScalarOp::Le
        | ScalarOp::And
        | ScalarOp::Or
        | ScalarOp::Not
        | ScalarOp::Xor
        | ScalarOp::Shl
        | ScalarOp::Shr
        | ScalarOp::Popcount
        | ScalarOp::Select
        | ScalarOp::Cast
        | ScalarOp::Re
        | ScalarOp::Im
        | ScalarOp::Conj
        | ScalarOp::MakeComplex
        | ScalarOp::ToBits
        | ScalarOp::FromBits => Err(EvalError::Fault(format!("`{op}` has no real result"))),
    }
}
