//! The floating-point meaning of scalar operations, shared by the domains that compute with floats.

use crate::dtype::Dtype;
use crate::error::EvalError;
use crate::scalar::ScalarOp;

/// Operations that are evaluated in the precision of their dtype.
pub(super) trait Float: Copy + PartialOrd {
    /// The result of an operation that only adds, multiplies, divides, compares or rounds; `None` for the
    /// others, which are evaluated in f64.
    fn arithmetic(op: ScalarOp, a: Self, b: Self, c: Self) -> Option<Self>;
}

macro_rules! arithmetic {
    ($float:ty) => {
        impl Float for $float {
            #[inline(always)]
            fn arithmetic(op: ScalarOp, a: $float, b: $float, c: $float) -> Option<$float> {
                Some(match op {
                    ScalarOp::Add => a + b,
                    ScalarOp::Sub => a - b,
                    ScalarOp::Mul => a * b,
                    ScalarOp::Div => a / b,
                    ScalarOp::Neg => -a,
                    ScalarOp::Fma => a.mul_add(b, c),
                    ScalarOp::FloorDiv => (a / b).floor(),
                    ScalarOp::Mod => a - b * (a / b).floor(),
                    ScalarOp::Min | ScalarOp::Max if a.is_nan() || b.is_nan() => <$float>::NAN,
                    ScalarOp::Min if a == b => {
                        if a.is_sign_negative() {
                            a
                        } else {
                            b
                        }
                    }
                    ScalarOp::Max if a == b => {
                        if a.is_sign_negative() {
                            b
                        } else {
                            a
                        }
                    }
                    ScalarOp::Min => {
                        if a < b {
                            a
                        } else {
                            b
                        }
                    }
                    ScalarOp::Max => {
                        if a > b {
                            a
                        } else {
                            b
                        }
                    }
                    ScalarOp::Abs => a.abs(),
                    ScalarOp::Sign => {
                        if a > 0.0 {
                            1.0
                        } else if a < 0.0 {
                            -1.0
                        } else {
                            a
                        }
                    }
                    ScalarOp::Floor => a.floor(),
                    ScalarOp::Ceil => a.ceil(),
                    ScalarOp::Round => a.round_ties_even(),
                    ScalarOp::Trunc => a.trunc(),
                    ScalarOp::Sqrt => a.sqrt(),
                    _ => return None,
                })
            }
        }
    };
}

arithmetic!(f32);
arithmetic!(f64);

/// The functions that are not arithmetic, in f64. They come from one library on every machine, so
/// that evaluation gives the same bytes everywhere.
pub(super) fn function(op: ScalarOp, a: f64, b: f64) -> Result<f64, EvalError> {
    Ok(match op {
        ScalarOp::Pow => libm::pow(a, b),
        ScalarOp::Cbrt => libm::cbrt(a),
        ScalarOp::Exp => libm::exp(a),
        ScalarOp::Expm1 => libm::expm1(a),
        ScalarOp::Log => libm::log(a),
        ScalarOp::Log1p => libm::log1p(a),
        ScalarOp::Sin => libm::sin(a),
        ScalarOp::Cos => libm::cos(a),
        ScalarOp::Tan => libm::tan(a),
        ScalarOp::Asin => libm::asin(a),
        ScalarOp::Acos => libm::acos(a),
        ScalarOp::Atan => libm::atan(a),
        ScalarOp::Atan2 => libm::atan2(a, b),
        ScalarOp::Sinh => libm::sinh(a),
        ScalarOp::Cosh => libm::cosh(a),
        ScalarOp::Tanh => libm::tanh(a),
        ScalarOp::Asinh => libm::asinh(a),
        // The library gives numbers for large negative arguments.
        ScalarOp::Acosh if a < 1.0 => f64::NAN,
        ScalarOp::Acosh => libm::acosh(a),
        ScalarOp::Atanh => libm::atanh(a),
        ScalarOp::Erf => libm::erf(a),
        ScalarOp::Erfc => libm::erfc(a),
        ScalarOp::Hypot => libm::hypot(a, b),
        _ => return Err(EvalError::Fault(format!("`{op}` has no real result"))),
    })
}

/// The comparisons and classifications.
#[inline]
pub(super) fn test(op: ScalarOp, operands: &[f64]) -> Result<bool, EvalError> {
    let (a, b, _) = three(operands);
    Ok(match op {
        ScalarOp::Eq => a == b,
        ScalarOp::Ne => a != b,
        ScalarOp::Lt => a < b,
        ScalarOp::Le => a <= b,
        ScalarOp::IsNan => a.is_nan(),
        ScalarOp::IsFinite => a.is_finite(),
        _ => return Err(EvalError::Fault(format!("`{op}` is not a test"))),
    })
}

/// The first three operands; absent ones are NaN (verified programs have as many as the row says).
#[inline(always)]
pub(super) fn three(operands: &[f64]) -> (f64, f64, f64) {
    match *operands {
        [a] => (a, f64::NAN, f64::NAN),
        [a, b] => (a, b, f64::NAN),
        [a, b, c, ..] => (a, b, c),
        [] => (f64::NAN, f64::NAN, f64::NAN),
    }
}

/// Integer power by repeated squaring from the lowest bit of the exponent; `None` stands for the
/// empty product. Every evaluator and every backend multiplies in this order.
#[inline]
pub(crate) fn power<T: Copy, E>(
    base: T,
    exponent: u64,
    mut multiply: impl FnMut(T, T) -> Result<T, E>,
) -> Result<Option<T>, E> {
    let (mut square, mut rest, mut product) = (base, exponent, None);
    while rest > 0 {
        if rest & 1 == 1 {
            product = Some(match product {
                None => square,
                Some(partial) => multiply(partial, square)?,
            });
        }
        rest >>= 1;
        if rest > 0 {
            square = multiply(square, square)?;
        }
    }
    Ok(product)
}

/// Truncation to an integer dtype: saturates, NaN gives 0.
#[inline]
pub(super) fn to_int(value: f64, dtype: Dtype) -> i64 {
    match dtype {
        Dtype::U8 => i64::from(value as u8),
        Dtype::U32 => i64::from(value as u32),
        Dtype::I32 => i64::from(value as i32),
        _ => value as i64,
    }
}

/// The bits of an f32 or f64 as a signed integer of its width.
pub(super) fn to_bits(value: f64, dtype: Dtype) -> i64 {
    match dtype {
        Dtype::F32 => i64::from((value as f32).to_bits() as i32),
        _ => value.to_bits() as i64,
    }
}

/// The f32 or f64 with these bits.
pub(super) fn from_bits(bits: i64, dtype: Dtype) -> f64 {
    match dtype {
        Dtype::F32 => f64::from(f32::from_bits(bits as u32)),
        _ => f64::from_bits(bits as u64),
    }
}

/// Real and imaginary part of `cis(-2 pi k / n)`, exact where both are -1, 0 or 1.
pub(super) fn root_of_unity(k: i64, n: i64) -> (f64, f64) {
    if n <= 0 {
        return (f64::NAN, f64::NAN);
    }
    // Eighths of a turn keep the argument small and make opposite roots exact negatives.
    let (k, n) = (i128::from(k).rem_euclid(i128::from(n)), i128::from(n));
    let eighth = (8 * k + n / 2) / n;
    let remainder = (8 * k - eighth * n) as f64 / (8 * n) as f64;
    let angle = 2.0 * std::f64::consts::PI * remainder;
    let (sine, cosine) = (libm::sin(angle), libm::cos(angle));
    let half = std::f64::consts::FRAC_1_SQRT_2;
    let (re, im) = match eighth.rem_euclid(8) {
        0 => (cosine, sine),
        1 => (half * (cosine - sine), half * (cosine + sine)),
        2 => (-sine, cosine),
        3 => (-half * (cosine + sine), half * (cosine - sine)),
        4 => (-cosine, -sine),
        5 => (-half * (cosine - sine), -half * (cosine + sine)),
        6 => (sine, -cosine),
        _ => (half * (cosine + sine), -half * (cosine - sine)),
    };
    (re, -im)
}
