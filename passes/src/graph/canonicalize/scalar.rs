//! Rules about one scalar operation. Each keeps every bit of every result.

use super::Rewritten;
use tcc_ir::graph::{Graph, Node, Op, ValueId};
use tcc_ir::scalar::Literal;
use tcc_ir::{Dtype, Kind, ScalarOp, planted};

/// Powers up to this exponent become multiplications.
const LARGEST_POWER: i64 = 16;

/// The first rule that applies to `op` of these operands; `dtype` is that of the result.
pub(super) fn rule(graph: &Graph, dtype: Dtype, op: ScalarOp, operands: &[ValueId]) -> Option<Rewritten> {
    match *operands {
        [a] => unary(graph, dtype, op, a),
        [a, b] => binary(graph, dtype, op, a, b),
        [c, a, b] if op == ScalarOp::Select => select(graph, c, a, b),
        _ => None,
    }
}

fn literal(graph: &Graph, value: ValueId) -> Option<Literal> {
    match graph.node(value).op {
        Op::Const(literal) => Some(literal),
        _ => None,
    }
}

/// The operands of `value` if it is `op` of something.
fn operands_of(graph: &Graph, value: ValueId, op: ScalarOp) -> Option<&[ValueId]> {
    match &graph.node(value).op {
        Op::Map(known, operands) if *known == op => Some(operands),
        _ => None,
    }
}

fn unary(graph: &Graph, dtype: Dtype, op: ScalarOp, a: ValueId) -> Option<Rewritten> {
    let below = |op| operands_of(graph, a, op);
    match op {
        ScalarOp::Neg | ScalarOp::Not | ScalarOp::Conj => Some(Rewritten::Value(*below(op)?.first()?)),
        // Without a sign, -a is another number, and its own absolute value.
        ScalarOp::Abs if !matches!(dtype, Dtype::U8 | Dtype::U32) => {
            let inner = below(ScalarOp::Neg)?;
            Some(Rewritten::Operation(Op::Map(ScalarOp::Abs, inner.to_vec())))
        }
        ScalarOp::Re => Some(Rewritten::Value(*below(ScalarOp::MakeComplex)?.first()?)),
        ScalarOp::Im => Some(Rewritten::Value(*below(ScalarOp::MakeComplex)?.get(1)?)),
        ScalarOp::Cast if graph.ty(a).dtype == dtype => Some(Rewritten::Value(a)),
        ScalarOp::Cast => {
            let inner = *below(ScalarOp::Cast)?.first()?;
            let (from, through) = (graph.ty(inner).dtype, graph.ty(a).dtype);
            skips(from, through, dtype).then(|| Rewritten::Operation(Op::Map(op, vec![inner])))
        }
        _ => None,
    }
}

/// Whether a cast `from` -> `through` -> `to` is the cast `from` -> `to`.
fn skips(from: Dtype, through: Dtype, to: Dtype) -> bool {
    // Between integers a cast wraps, from a float it saturates.
    let saturates = from.is_int() && to.is_int() && !through.is_int();
    contains(through, from) && (!saturates || contains(to, from))
}

/// Whether every number of `inner` is one of `outer`.
fn contains(outer: Dtype, inner: Dtype) -> bool {
    use Dtype::*;
    let inside: &[Dtype] = match outer {
        Bool => &[Bool],
        U8 => &[Bool, U8],
        U32 => &[Bool, U8, U32],
        I32 => &[Bool, U8, I32],
        I64 => &[Bool, U8, U32, I32, I64],
        F16 => &[Bool, U8, F16],
        BF16 => &[Bool, U8, BF16],
        F32 => &[Bool, U8, F16, BF16, F32],
        F64 => &[Bool, U8, U32, I32, F16, BF16, F32, F64],
        C64 => &[Bool, U8, F16, BF16, F32, C64],
        C128 => &[Bool, U8, U32, I32, F16, BF16, F32, F64, C64, C128],
    };
    inside.contains(&inner)
}

fn binary(graph: &Graph, dtype: Dtype, op: ScalarOp, a: ValueId, b: ValueId) -> Option<Rewritten> {
    let (left, right) = (literal(graph, a), literal(graph, b));
    if right.is_some_and(|right| is_neutral(op, dtype, right)) {
        return Some(Rewritten::Value(a));
    }
    if op.is_commutative() && left.is_some_and(|left| is_neutral(op, dtype, left)) {
        return Some(Rewritten::Value(b));
    }
    let idempotent = matches!(op, ScalarOp::And | ScalarOp::Or | ScalarOp::Min | ScalarOp::Max);
    if a == b && idempotent {
        return Some(Rewritten::Value(a));
    }
    match (op, right) {
        (ScalarOp::PowInt, Some(Literal::Int(1))) => return Some(Rewritten::Value(a)),
        (ScalarOp::PowInt, Some(Literal::Int(exponent))) if (2..=LARGEST_POWER).contains(&exponent) => {
            return Some(Rewritten::Power(a, exponent.unsigned_abs()));
        }
        _ => {}
    }
    if op == ScalarOp::MakeComplex
        && let (Some([re]), Some([im])) =
            (operands_of(graph, a, ScalarOp::Re), operands_of(graph, b, ScalarOp::Im))
        && re == im
    {
        return Some(Rewritten::Value(*re));
    }
    // Constants stand on the right, else the older value on the left.
    let late = |value: ValueId, literal: Option<Literal>| (literal.is_some(), value);
    let may_swap = op.is_commutative() || planted(20) && op == ScalarOp::Sub; // Planted bug 20.
    (may_swap && late(a, left) > late(b, right)).then(|| Rewritten::Operation(Op::Map(op, vec![b, a])))
}

/// Whether `x op right` is `x`, bit for bit (for a commutative operation also `right op x`).
pub(crate) fn is_neutral(op: ScalarOp, dtype: Dtype, right: Literal) -> bool {
    match (op, dtype.kind(), right) {
        (ScalarOp::Add | ScalarOp::Sub | ScalarOp::Xor, Kind::Int, Literal::Int(0)) => true,
        (ScalarOp::Shl | ScalarOp::Shr, _, Literal::Int(0)) => true,
        (ScalarOp::Mul | ScalarOp::FloorDiv, Kind::Int, Literal::Int(1)) => true,
        // x + 0.0 would lose the sign of -0.
        (ScalarOp::Add, Kind::Float, Literal::Real(zero)) => zero == 0.0 && zero.is_sign_negative(),
        (ScalarOp::Sub, Kind::Float, Literal::Real(zero)) => zero == 0.0 && zero.is_sign_positive(),
        (ScalarOp::Mul | ScalarOp::Div, Kind::Float, Literal::Real(one)) => one == 1.0,
        (ScalarOp::And, _, Literal::Bool(value)) => value,
        (ScalarOp::Or | ScalarOp::Xor, _, Literal::Bool(value)) => !value,
        _ => false,
    }
}

fn select(graph: &Graph, condition: ValueId, yes: ValueId, no: ValueId) -> Option<Rewritten> {
    if let Some(Literal::Bool(value)) = literal(graph, condition) {
        return Some(Rewritten::Value(if value { yes } else { no }));
    }
    if yes == no {
        return Some(Rewritten::Value(yes));
    }
    let inner = *operands_of(graph, condition, ScalarOp::Not)?.first()?;
    Some(Rewritten::Operation(Op::Map(ScalarOp::Select, vec![inner, no, yes])))
}

/// `base` to a positive power, multiplied in the order of the evaluators: from the lowest bit up.
pub(super) fn power(graph: &mut Graph, node: &Node, base: ValueId, exponent: u64) -> Option<ValueId> {
    let (mut square, mut rest, mut product) = (base, exponent, None);
    while rest > 0 {
        if rest & 1 == 1 {
            product = Some(match product {
                None => square,
                Some(partial) => multiply(graph, node, partial, square),
            });
        }
        rest >>= 1;
        if rest > 0 {
            square = multiply(graph, node, square, square);
        }
    }
    product
}

fn multiply(graph: &mut Graph, node: &Node, a: ValueId, b: ValueId) -> ValueId {
    graph.push(Op::Map(ScalarOp::Mul, vec![a, b]), node.ty.clone())
}
