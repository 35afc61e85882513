//! Constant folding of one scalar operation, shared by both levels.
//!
//! Leaves alone what would change a result in any number domain: roundings (a folded `0.1 * 3.0` is
//! not the real product), elementary functions (backends have their own polynomials) and NaN, whose
//! payload is not part of the meaning.

use tcc_ir::evaluate_scalar::{apply, literal};
use tcc_ir::scalar::{Literal, ScalarOp};
use tcc_ir::{Dtype, Exact, Kind, Native, Value};

/// The constant that `op` gives for constant operands, if every number domain agrees about it.
/// `dtype` is that of the result.
pub fn fold(op: ScalarOp, dtype: Dtype, operands: &[(Literal, Dtype)]) -> Option<Literal> {
    let dtypes: Vec<Dtype> = operands.iter().map(|operand| operand.1).collect();
    if !domains_agree(op, dtype, operands) {
        return None;
    }
    let values: Vec<Value<Native>> = operands.iter().map(|&(l, dtype)| literal(l, dtype)).collect();
    match apply(op, dtype, &dtypes, &values).ok()? {
        Value::Bool(value) => Some(Literal::Bool(value)),
        Value::Int(value) => Some(Literal::Int(value)),
        Value::Real(value) => (!value.is_nan()).then_some(Literal::Real(value)),
        Value::Complex(re, im) => (!re.is_nan() && !im.is_nan()).then_some(Literal::Complex(re, im)),
    }
}

/// Whether native arithmetic gives the exact result.
fn domains_agree(op: ScalarOp, dtype: Dtype, operands: &[(Literal, Dtype)]) -> bool {
    let discrete = |dtype: Dtype| matches!(dtype.kind(), Kind::Bool | Kind::Int);
    let dtypes: Vec<Dtype> = operands.iter().map(|operand| operand.1).collect();
    if discrete(dtype) && dtypes.iter().all(|&dtype| discrete(dtype)) {
        return true;
    }
    // A literal that its own dtype rounds is another number in another domain.
    if !operands.iter().all(|&(l, dtype)| is_exact(l, dtype)) {
        return false;
    }
    if chooses(op) || discrete(dtype) && !matches!(op, ScalarOp::ToBits) {
        return true;
    }
    if !op.row().algebraic {
        return false;
    }
    let native: Vec<Value<Native>> = operands.iter().map(|&(l, dtype)| literal(l, dtype)).collect();
    let exact: Vec<Value<Exact>> = operands.iter().map(|&(l, dtype)| literal(l, dtype)).collect();
    let (Ok(native), Ok(exact)) = (apply(op, dtype, &dtypes, &native), apply(op, dtype, &dtypes, &exact))
    else {
        return false;
    };
    let result = match native {
        Value::Real(value) if value.is_finite() => Literal::Real(value),
        Value::Complex(re, im) if re.is_finite() && im.is_finite() => Literal::Complex(re, im),
        Value::Bool(_) | Value::Int(_) | Value::Real(_) | Value::Complex(..) => return false,
    };
    literal::<Exact>(result, dtype) == exact
}

/// Whether `dtype` contains the literal.
fn is_exact(l: Literal, dtype: Dtype) -> bool {
    match l {
        Literal::Bool(_) | Literal::Int(_) => true,
        Literal::Real(value) => dtype.round(value) == value || value.is_nan(),
        Literal::Complex(re, im) => dtype.round(re) == re && dtype.round(im) == im,
    }
}

/// Whether the result is one of the operands, its absolute value or an integer near it: no rounding.
fn chooses(op: ScalarOp) -> bool {
    use ScalarOp::{Abs, Ceil, Floor, Max, Min, Round, Select, Sign, Trunc};
    matches!(op, Min | Max | Abs | Sign | Floor | Ceil | Round | Trunc | Select)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_wrap_as_the_program_would() {
        let max = (Literal::Int(255), Dtype::U8);
        assert_eq!(
            fold(ScalarOp::Add, Dtype::U8, &[max, (Literal::Int(2), Dtype::U8)]),
            Some(Literal::Int(1))
        );
    }

    #[test]
    fn floats_fold_only_without_rounding() {
        let f32 = |value| (Literal::Real(value), Dtype::F32);
        assert_eq!(fold(ScalarOp::Mul, Dtype::F32, &[f32(1.5), f32(2.0)]), Some(Literal::Real(3.0)));
        assert_eq!(fold(ScalarOp::Div, Dtype::F32, &[f32(1.0), f32(3.0)]), None);
        assert_eq!(fold(ScalarOp::Mul, Dtype::F32, &[f32(0.1), f32(2.0)]), None);
        assert_eq!(fold(ScalarOp::Exp, Dtype::F32, &[f32(1.0)]), None);
        assert_eq!(fold(ScalarOp::Lt, Dtype::Bool, &[f32(1.0), f32(3.0)]), Some(Literal::Bool(true)));
        assert_eq!(fold(ScalarOp::Max, Dtype::F32, &[f32(f64::NAN), f32(3.0)]), None);
    }
}
