//! The meaning of every scalar operation on every kind of number, in any domain.
//!
//! Real arithmetic is the domain's. Integers, truth values and the formulas of complex arithmetic are the
//! same in every domain and stand here.

use crate::domain::{Domain, Value, power};
use crate::dtype::{Dtype, Kind};
use crate::error::EvalError;
use crate::scalar::{Literal, ReduceOp, ScalarOp, Signature};

/// Applies `op`, whose result has dtype `dtype`, to operands of the given dtypes.
///
/// Total on operands that the row of `op` accepts, but for what the domain itself refuses
/// ([`EvalError::Domain`]). Operands that do not fit are an [`EvalError::Fault`].
#[inline]
pub fn apply<D: Domain>(
    op: ScalarOp,
    dtype: Dtype,
    operand_dtypes: &[Dtype],
    operands: &[Value<D>],
) -> Result<Value<D>, EvalError> {
    match (op, operands) {
        (ScalarOp::Select, [Value::Bool(condition), yes, no]) => Ok(if *condition { *yes } else { *no }),
        (ScalarOp::Cast, [value]) => cast(*value, dtype),
        (_, [Value::Real(a)]) => of_reals(op, dtype, operand_dtypes, &[*a]),
        (ScalarOp::PowInt, [Value::Real(a), Value::Int(e)]) => Ok(Value::Real(D::powi(*a, *e, dtype)?)),
        (_, [Value::Real(a), Value::Real(b)]) => of_reals(op, dtype, operand_dtypes, &[*a, *b]),
        (ScalarOp::Fma, [Value::Real(a), Value::Real(b), Value::Real(c)]) => {
            Ok(Value::Real(D::apply(op, dtype, &[*a, *b, *c])?))
        }
        (ScalarOp::FromBits, [Value::Int(bits)]) => Ok(Value::Real(D::from_bits(*bits, dtype)?)),
        (_, [Value::Int(a)]) => of_integers(op, first(operand_dtypes), *a, 0),
        (_, [Value::Int(a), Value::Int(b)]) => of_integers(op, first(operand_dtypes), *a, *b),
        (_, [Value::Bool(a)]) => of_truths(op, *a, false),
        (_, [Value::Bool(a), Value::Bool(b)]) => of_truths(op, *a, *b),
        (ScalarOp::PowInt, [Value::Complex(re, im), Value::Int(e)]) => {
            complex_power::<D>((*re, *im), *e, dtype.part()).map(|(re, im)| Value::Complex(re, im))
        }
        (_, [Value::Complex(re, im)]) => of_complex(op, dtype, (*re, *im), (*re, *im)),
        (_, [Value::Complex(a, b), Value::Complex(c, d)]) => of_complex(op, dtype, (*a, *b), (*c, *d)),
        _ => Err(misfit(op)),
    }
}

/// One step of a reduction: `accumulator` combined with `value`. Not for argmax and argmin.
#[inline]
pub fn reduce_step<D: Domain>(
    op: ReduceOp,
    dtype: Dtype,
    accumulator: Value<D>,
    value: Value<D>,
) -> Result<Value<D>, EvalError> {
    match op.scalar_op() {
        Some(scalar) => apply(scalar, dtype, &[dtype, dtype], &[accumulator, value]),
        None => Err(EvalError::Fault(format!("`{op}` does not combine values"))),
    }
}

/// The number that a literal of `dtype` stands for.
pub fn literal<D: Domain>(literal: Literal, dtype: Dtype) -> Value<D> {
    let part = dtype.part();
    match (dtype.kind(), literal) {
        (Kind::Bool, _) => Value::Bool(match literal {
            Literal::Bool(b) => b,
            Literal::Int(i) => i != 0,
            Literal::Real(re) => re != 0.0,
            Literal::Complex(re, im) => re != 0.0 || im != 0.0,
        }),
        (Kind::Int, _) => Value::Int(dtype.wrap(match literal {
            Literal::Bool(b) => i64::from(b),
            Literal::Int(i) => i,
            Literal::Real(re) | Literal::Complex(re, _) => re as i64,
        })),
        (Kind::Float, Literal::Int(i)) => Value::Real(D::from_i64(i, dtype)),
        (Kind::Float, Literal::Bool(b)) => Value::Real(D::from_i64(i64::from(b), dtype)),
        (Kind::Float, Literal::Real(re) | Literal::Complex(re, _)) => Value::Real(D::from_f64(re, dtype)),
        (Kind::Complex, Literal::Complex(re, im)) => {
            Value::Complex(D::from_f64(re, part), D::from_f64(im, part))
        }
        (Kind::Complex, Literal::Real(re)) => Value::Complex(D::from_f64(re, part), D::from_i64(0, part)),
        (Kind::Complex, Literal::Int(i)) => Value::Complex(D::from_i64(i, part), D::from_i64(0, part)),
        (Kind::Complex, Literal::Bool(b)) => {
            Value::Complex(D::from_i64(i64::from(b), part), D::from_i64(0, part))
        }
    }
}

/// The zero of a dtype (false for bool).
pub fn zero<D: Domain>(dtype: Dtype) -> Value<D> {
    literal(Literal::of(0, dtype), dtype)
}

fn misfit(op: ScalarOp) -> EvalError {
    EvalError::Fault(format!("`{op}` does not take these operands"))
}

fn first(dtypes: &[Dtype]) -> Dtype {
    dtypes.first().copied().unwrap_or(Dtype::I64)
}

/// Conversion to `dtype`; the rules are those of [`ScalarOp::Cast`].
#[inline]
fn cast<D: Domain>(value: Value<D>, dtype: Dtype) -> Result<Value<D>, EvalError> {
    let part = dtype.part();
    let zero = D::from_i64(0, part);
    let nonzero = |x: D::Real| D::test(ScalarOp::Ne, &[x, D::from_i64(0, Dtype::F64)]);
    Ok(match (dtype.kind(), value) {
        (Kind::Bool, Value::Bool(b)) => Value::Bool(b),
        (Kind::Bool, Value::Int(i)) => Value::Bool(i != 0),
        (Kind::Bool, Value::Real(r)) => Value::Bool(nonzero(r)?),
        (Kind::Bool, Value::Complex(re, im)) => Value::Bool(nonzero(re)? || nonzero(im)?),
        (Kind::Int, Value::Bool(b)) => Value::Int(i64::from(b)),
        (Kind::Int, Value::Int(i)) => Value::Int(dtype.wrap(i)),
        (Kind::Int, Value::Real(r) | Value::Complex(r, _)) => Value::Int(D::to_int(r, dtype)?),
        (Kind::Float, Value::Bool(b)) => Value::Real(D::from_i64(i64::from(b), dtype)),
        (Kind::Float, Value::Int(i)) => Value::Real(D::from_i64(i, dtype)),
        (Kind::Float, Value::Real(r) | Value::Complex(r, _)) => Value::Real(D::convert(r, dtype)),
        (Kind::Complex, Value::Bool(b)) => Value::Complex(D::from_i64(i64::from(b), part), zero),
        (Kind::Complex, Value::Int(i)) => Value::Complex(D::from_i64(i, part), zero),
        (Kind::Complex, Value::Real(r)) => Value::Complex(D::convert(r, part), zero),
        (Kind::Complex, Value::Complex(re, im)) => Value::Complex(D::convert(re, part), D::convert(im, part)),
    })
}

#[inline]
fn of_reals<D: Domain>(
    op: ScalarOp,
    dtype: Dtype,
    operand_dtypes: &[Dtype],
    operands: &[D::Real],
) -> Result<Value<D>, EvalError> {
    match op.row().signature {
        Signature::Numeric | Signature::Ordered | Signature::Float | Signature::Field => {
            Ok(Value::Real(D::apply(op, dtype, operands)?))
        }
        Signature::Compare | Signature::Classify => Ok(Value::Bool(D::test(op, operands)?)),
        Signature::ComplexMake => match *operands {
            [re, im] => Ok(Value::Complex(re, im)),
            _ => Err(misfit(op)),
        },
        Signature::ToBits => match *operands {
            [value] => Ok(Value::Int(D::to_bits(value, first(operand_dtypes))?)),
            _ => Err(misfit(op)),
        },
        Signature::Integer
        | Signature::Logic
        | Signature::Bitwise
        | Signature::Select
        | Signature::Cast
        | Signature::PowInt
        | Signature::ComplexPart
        | Signature::Complex
        | Signature::FromBits => Err(misfit(op)),
    }
}

#[inline]
fn of_truths<D: Domain>(op: ScalarOp, a: bool, b: bool) -> Result<Value<D>, EvalError> {
    Ok(Value::Bool(match op {
        ScalarOp::And => a && b,
        ScalarOp::Or => a || b,
        ScalarOp::Not => !a,
        ScalarOp::Xor | ScalarOp::Ne => a != b,
        ScalarOp::Eq => a == b,
        ScalarOp::Lt => !a && b,
        ScalarOp::Le => !a || b,
        _ => return Err(misfit(op)),
    }))
}

/// Integer operations; `dtype` is that of the operands. Every result is wrapped to it.
#[inline]
fn of_integers<D: Domain>(op: ScalarOp, dtype: Dtype, a: i64, b: i64) -> Result<Value<D>, EvalError> {
    let width = dtype.size_bytes() as i64 * 8;
    let shift_in_range = (0..width).contains(&b);
    let result = match op {
        ScalarOp::Add => a.wrapping_add(b),
        ScalarOp::Sub => a.wrapping_sub(b),
        ScalarOp::Mul => a.wrapping_mul(b),
        ScalarOp::Neg => a.wrapping_neg(),
        ScalarOp::FloorDiv => floor_div(a, b),
        ScalarOp::Mod if b == 0 => 0,
        ScalarOp::Mod => a.wrapping_sub(b.wrapping_mul(floor_div(a, b))),
        ScalarOp::PowInt if b < 0 => 0,
        ScalarOp::PowInt => {
            power(a, b.unsigned_abs(), |a, b| Ok::<i64, EvalError>(dtype.wrap(i64::wrapping_mul(a, b))))?
                .unwrap_or(1)
        }
        ScalarOp::Min => a.min(b),
        ScalarOp::Max => a.max(b),
        ScalarOp::Abs => a.wrapping_abs(),
        ScalarOp::Sign => a.signum(),
        ScalarOp::Xor => a ^ b,
        ScalarOp::Shl => {
            if shift_in_range {
                a.wrapping_shl(b as u32)
            } else {
                0
            }
        }
        // Unsigned dtypes are held as non-negative numbers, so one shift serves all.
        ScalarOp::Shr => a >> if shift_in_range { b } else { 63 },
        ScalarOp::Popcount => i64::from(match dtype {
            Dtype::U8 => (a as u8).count_ones(),
            Dtype::U32 | Dtype::I32 => (a as u32).count_ones(),
            _ => a.count_ones(),
        }),
        ScalarOp::Eq => return Ok(Value::Bool(a == b)),
        ScalarOp::Ne => return Ok(Value::Bool(a != b)),
        ScalarOp::Lt => return Ok(Value::Bool(a < b)),
        ScalarOp::Le => return Ok(Value::Bool(a <= b)),
        _ => return Err(misfit(op)),
    };
    Ok(Value::Int(dtype.wrap(result)))
}

/// `floor(a / b)`; 0 if b is 0; wraps on `i64::MIN / -1`.
#[inline]
fn floor_div(a: i64, b: i64) -> i64 {
    if b == 0 {
        return 0;
    }
    let quotient = a.wrapping_div(b);
    if a.wrapping_rem(b) != 0 && ((a < 0) != (b < 0)) { quotient - 1 } else { quotient }
}

type Pair<D> = (<D as Domain>::Real, <D as Domain>::Real);

fn complex_multiply<D: Domain>((a, b): Pair<D>, (c, d): Pair<D>, part: Dtype) -> Result<Pair<D>, EvalError> {
    let real = |op, x, y| D::apply(op, part, &[x, y]);
    let re = real(ScalarOp::Sub, real(ScalarOp::Mul, a, c)?, real(ScalarOp::Mul, b, d)?)?;
    let im = real(ScalarOp::Add, real(ScalarOp::Mul, a, d)?, real(ScalarOp::Mul, b, c)?)?;
    Ok((re, im))
}

fn complex_divide<D: Domain>((a, b): Pair<D>, (c, d): Pair<D>, part: Dtype) -> Result<Pair<D>, EvalError> {
    let real = |op, x, y| D::apply(op, part, &[x, y]);
    let square = real(ScalarOp::Add, real(ScalarOp::Mul, c, c)?, real(ScalarOp::Mul, d, d)?)?;
    let re = real(ScalarOp::Add, real(ScalarOp::Mul, a, c)?, real(ScalarOp::Mul, b, d)?)?;
    let im = real(ScalarOp::Sub, real(ScalarOp::Mul, b, c)?, real(ScalarOp::Mul, a, d)?)?;
    Ok((real(ScalarOp::Div, re, square)?, real(ScalarOp::Div, im, square)?))
}

/// Repeated squaring; a negative exponent divides `1 + 0i` by the power.
fn complex_power<D: Domain>(base: Pair<D>, exponent: i64, part: Dtype) -> Result<Pair<D>, EvalError> {
    let one = (D::from_i64(1, part), D::from_i64(0, part));
    let multiply = |a, b| complex_multiply::<D>(a, b, part);
    let power = power(base, exponent.unsigned_abs(), multiply)?.unwrap_or(one);
    if exponent < 0 { complex_divide::<D>(one, power, part) } else { Ok(power) }
}

/// Complex operations of one or two operands (`right` repeats `left` where there is one).
fn of_complex<D: Domain>(
    op: ScalarOp,
    dtype: Dtype,
    left: Pair<D>,
    right: Pair<D>,
) -> Result<Value<D>, EvalError> {
    let part = dtype.part();
    let both = |op: ScalarOp| -> Result<Value<D>, EvalError> {
        Ok(Value::Complex(D::apply(op, part, &[left.0, right.0])?, D::apply(op, part, &[left.1, right.1])?))
    };
    let negate = |x| D::apply(ScalarOp::Neg, part, &[x]);
    let equal = || -> Result<bool, EvalError> {
        Ok(D::test(ScalarOp::Eq, &[left.0, right.0])? && D::test(ScalarOp::Eq, &[left.1, right.1])?)
    };
    match op {
        ScalarOp::Add | ScalarOp::Sub => both(op),
        ScalarOp::Mul => complex_multiply::<D>(left, right, part).map(|(re, im)| Value::Complex(re, im)),
        ScalarOp::Div => complex_divide::<D>(left, right, part).map(|(re, im)| Value::Complex(re, im)),
        ScalarOp::Neg => Ok(Value::Complex(negate(left.0)?, negate(left.1)?)),
        ScalarOp::Conj => Ok(Value::Complex(left.0, negate(left.1)?)),
        ScalarOp::Re => Ok(Value::Real(left.0)),
        ScalarOp::Im => Ok(Value::Real(left.1)),
        ScalarOp::Eq => Ok(Value::Bool(equal()?)),
        ScalarOp::Ne => Ok(Value::Bool(!equal()?)),
        _ => Err(misfit(op)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Exact, Native, Reference};
    use crate::scalar::SCALAR_OPS;

    fn ints(op: ScalarOp, dtype: Dtype, operands: &[i64]) -> Value<Native> {
        let values: Vec<_> = operands.iter().map(|&i| Value::Int(i)).collect();
        apply(op, dtype, &vec![dtype; operands.len()], &values).unwrap()
    }

    fn reals<D: Domain>(op: ScalarOp, dtype: Dtype, operands: &[f64]) -> Result<Value<D>, EvalError> {
        let values: Vec<_> = operands.iter().map(|&x| Value::Real(D::from_f64(x, dtype))).collect();
        apply(op, dtype, &vec![dtype; operands.len()], &values)
    }

    fn native(op: ScalarOp, dtype: Dtype, operands: &[f64]) -> f64 {
        match reals::<Native>(op, dtype, operands) {
            Ok(Value::Real(value)) => value,
            other => panic!("{op} gave {other:?}"),
        }
    }

    #[test]
    fn every_operation_takes_exactly_the_dtypes_of_its_row() {
        for row in SCALAR_OPS {
            for &(dtype, _, _) in Dtype::TABLE {
                let operands = match row.signature {
                    Signature::Select => vec![Dtype::Bool, dtype, dtype],
                    Signature::PowInt => vec![dtype, Dtype::I64],
                    _ => vec![dtype; row.arity],
                };
                let Some(result) = row.op.result_dtype(&operands) else { continue };
                let values: Vec<Value<Reference>> =
                    operands.iter().map(|&d| literal(Literal::of(1, d), d)).collect();
                let value = apply(row.op, result, &operands, &values)
                    .unwrap_or_else(|e| panic!("{} of {dtype}: {e}", row.name));
                let kind = match value {
                    Value::Bool(_) => Kind::Bool,
                    Value::Int(_) => Kind::Int,
                    Value::Real(_) => Kind::Float,
                    Value::Complex(..) => Kind::Complex,
                };
                assert_eq!(kind, result.kind(), "{} of {dtype}", row.name);
            }
        }
    }

    #[test]
    fn integers_wrap_to_their_dtype_and_never_fail() {
        assert_eq!(ints(ScalarOp::Add, Dtype::U8, &[250, 10]), Value::Int(4));
        assert_eq!(ints(ScalarOp::Neg, Dtype::I32, &[i64::from(i32::MIN)]), Value::Int(i64::from(i32::MIN)));
        assert_eq!(ints(ScalarOp::Sub, Dtype::U32, &[0, 1]), Value::Int(i64::from(u32::MAX)));
        assert_eq!(ints(ScalarOp::FloorDiv, Dtype::I64, &[-7, 2]), Value::Int(-4));
        assert_eq!(ints(ScalarOp::Mod, Dtype::I64, &[-7, 2]), Value::Int(1));
        assert_eq!(ints(ScalarOp::Mod, Dtype::I64, &[7, -2]), Value::Int(-1));
        assert_eq!(ints(ScalarOp::FloorDiv, Dtype::I64, &[7, 0]), Value::Int(0));
        assert_eq!(ints(ScalarOp::FloorDiv, Dtype::I64, &[i64::MIN, -1]), Value::Int(i64::MIN));
        assert_eq!(ints(ScalarOp::Shl, Dtype::U8, &[1, 8]), Value::Int(0));
        assert_eq!(ints(ScalarOp::Shr, Dtype::I32, &[-8, 99]), Value::Int(-1));
        assert_eq!(ints(ScalarOp::Shr, Dtype::I32, &[-8, 1]), Value::Int(-4));
        assert_eq!(ints(ScalarOp::Popcount, Dtype::I32, &[-1]), Value::Int(32));
        assert_eq!(ints(ScalarOp::PowInt, Dtype::I64, &[3, 4]), Value::Int(81));
        assert_eq!(ints(ScalarOp::PowInt, Dtype::I64, &[0, 0]), Value::Int(1));
        assert_eq!(ints(ScalarOp::PowInt, Dtype::I64, &[1, -1]), Value::Int(0));
    }

    #[test]
    fn native_operations_round_to_their_dtype() {
        assert_eq!(native(ScalarOp::Add, Dtype::F32, &[16_777_216.0, 1.0]), 16_777_216.0);
        assert_eq!(native(ScalarOp::Div, Dtype::F32, &[1.0, 3.0]), f64::from(1.0f32 / 3.0));
        let (a, c) = (f64::from(1.0f32 + f32::EPSILON), -1.0);
        assert_eq!(
            native(ScalarOp::Fma, Dtype::F32, &[a, a, c]),
            f64::from((a as f32).mul_add(a as f32, -1.0))
        );
        assert_eq!(native(ScalarOp::Mul, Dtype::F16, &[300.0, 300.0]), f64::INFINITY);
        assert_eq!(native(ScalarOp::Add, Dtype::BF16, &[256.0, 1.0]), 256.0);
        assert_eq!(native(ScalarOp::Exp, Dtype::F64, &[0.0]), 1.0);
    }

    #[test]
    fn order_operations_treat_nan_and_zeros_as_documented() {
        for op in [ScalarOp::Min, ScalarOp::Max] {
            assert!(native(op, Dtype::F64, &[f64::NAN, 1.0]).is_nan());
            assert!(native(op, Dtype::F32, &[1.0, f64::NAN]).is_nan());
        }
        assert!(native(ScalarOp::Min, Dtype::F64, &[0.0, -0.0]).is_sign_negative());
        assert!(native(ScalarOp::Max, Dtype::F64, &[-0.0, 0.0]).is_sign_positive());
        assert!(native(ScalarOp::Sign, Dtype::F64, &[-0.0]).is_sign_negative());
        assert_eq!(native(ScalarOp::Round, Dtype::F32, &[2.5]), 2.0);
        assert_eq!(native(ScalarOp::Mod, Dtype::F32, &[-1.0, 3.0]), 2.0);
    }

    #[test]
    fn casts_truncate_saturate_and_wrap() {
        let cast =
            |value: Value<Native>, dtype| apply(ScalarOp::Cast, dtype, &[Dtype::F64], &[value]).unwrap();
        assert_eq!(cast(Value::Real(-1.5), Dtype::I64), Value::Int(-1));
        assert_eq!(cast(Value::Real(f64::NAN), Dtype::I32), Value::Int(0));
        assert_eq!(cast(Value::Real(1e10), Dtype::U8), Value::Int(255));
        assert_eq!(cast(Value::Real(-1e10), Dtype::U32), Value::Int(0));
        assert_eq!(cast(Value::Int(-1), Dtype::U8), Value::Int(255));
        assert_eq!(cast(Value::Int(2), Dtype::Bool), Value::Bool(true));
        assert_eq!(cast(Value::Real(0.1), Dtype::C64), Value::Complex(f64::from(0.1f32), 0.0));
        assert_eq!(cast(Value::Int((1 << 24) + 1), Dtype::F32), Value::Real(16_777_216.0));
    }

    #[test]
    fn complex_numbers_multiply_and_divide_back() {
        let dtypes = [Dtype::C128, Dtype::C128];
        let (a, b): (Value<Native>, _) = (Value::Complex(1.0, 2.0), Value::Complex(3.0, -1.0));
        let product = apply(ScalarOp::Mul, Dtype::C128, &dtypes, &[a, b]).unwrap();
        assert_eq!(product, Value::Complex(5.0, 5.0));
        assert_eq!(apply(ScalarOp::Div, Dtype::C128, &dtypes, &[product, b]).unwrap(), a);
        let inverse_square = apply(
            ScalarOp::PowInt,
            Dtype::C128,
            &[Dtype::C128, Dtype::I64],
            &[Value::<Native>::Complex(0.0, 2.0), Value::Int(-2)],
        );
        assert_eq!(inverse_square, Ok(Value::Complex(-0.25, 0.0)));
        assert_eq!(apply(ScalarOp::Ne, Dtype::Bool, &dtypes, &[a, b]).unwrap(), Value::Bool(true));
    }

    #[test]
    fn exact_numbers_are_rationals_and_refuse_an_order() {
        let f = Dtype::F64;
        let exact = |op, operands: &[f64]| reals::<Exact>(op, f, operands);
        let number = |x| Ok(Value::Real(Exact::from_f64(x, f)));
        assert_eq!(exact(ScalarOp::Div, &[1.0, 8.0]), number(0.125));
        assert_eq!(exact(ScalarOp::Sub, &[0.1, 0.1]), number(0.0));
        assert_eq!(exact(ScalarOp::Fma, &[-2.5, 4.0, 11.0]), number(1.0));
        assert_eq!(exact(ScalarOp::Sqrt, &[9.0 / 64.0]).unwrap(), {
            let half = exact(ScalarOp::Sqrt, &[3.0 / 8.0]).unwrap();
            apply(ScalarOp::Mul, f, &[f, f], &[half, half]).unwrap()
        });
        assert!(matches!(exact(ScalarOp::Div, &[1.0, 0.0]), Err(EvalError::Domain(_))));
        assert!(matches!(exact(ScalarOp::Lt, &[1.0, 2.0]), Err(EvalError::Domain(_))));
        assert!(matches!(exact(ScalarOp::Floor, &[1.5]), Err(EvalError::Domain(_))));
        assert_eq!(exact(ScalarOp::Eq, &[1.0, 2.0]), Ok(Value::Bool(false)));
        assert_eq!(exact(ScalarOp::Exp, &[f64::NEG_INFINITY]), number(0.0));
    }

    #[test]
    fn exact_functions_keep_their_identities() {
        let f = Dtype::F64;
        let exact = |op, operands: &[Value<Exact>]| apply(op, f, &vec![f; operands.len()], operands).unwrap();
        let (one, x) = (Value::Real(Exact::from_f64(1.0, f)), Value::Real(Exact::from_f64(0.7, f)));
        let minus_x = exact(ScalarOp::Neg, &[x]);
        let square = |op| {
            let y = exact(op, &[x]);
            exact(ScalarOp::Mul, &[y, y])
        };
        assert_eq!(exact(ScalarOp::Add, &[square(ScalarOp::Sin), square(ScalarOp::Cos)]), one);
        assert_eq!(exact(ScalarOp::Sub, &[square(ScalarOp::Cosh), square(ScalarOp::Sinh)]), one);
        let exps = [exact(ScalarOp::Exp, &[x]), exact(ScalarOp::Exp, &[minus_x])];
        assert_eq!(exact(ScalarOp::Mul, &exps), one);
        assert_eq!(exact(ScalarOp::Erf, &[minus_x]), exact(ScalarOp::Neg, &[exact(ScalarOp::Erf, &[x])]));
        assert_ne!(exact(ScalarOp::Erf, &[x]), exact(ScalarOp::Tanh, &[x]));
    }

    #[test]
    fn roots_of_unity_multiply_to_one_in_every_domain() {
        fn check<D: Domain>(n: i64, close: impl Fn(f64, f64) -> bool) {
            let (re, im) = D::root_of_unity(1, n, Dtype::F64).unwrap();
            let power = complex_power::<D>((re, im), n, Dtype::F64).unwrap();
            assert!(close(D::to_f64(power.0), 1.0) && close(D::to_f64(power.1), 0.0), "{n}: {power:?}");
        }
        for n in [1, 2, 3, 4, 5, 8, 12, 31, 100, 1024] {
            check::<Reference>(n, |a, b| (a - b).abs() < 1e-12);
            check::<Exact>(n, |a, b| a == b || n == 0);
        }
        assert!(Exact::root_of_unity(1, 37, Dtype::F64).is_err());
    }
}
