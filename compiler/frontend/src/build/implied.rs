//! What conditions say about places: integer polynomials that are at least 0 where the conditions hold.

use crate::check::ranges::{Facts, index_symbol, small, times};
use tcc_ir::Extent;
use tcc_ir::graph::{Graph, Op, ValueId};
use tcc_ir::scalar::{Literal, ScalarOp};

/// Most polynomials that are kept; more conditions than that are not argued about.
const MAX_FACTS: usize = 16;

/// How deep conditions and places are looked into.
const MAX_DEPTH: usize = 32;

/// Whether `place` stays inside `0..extent` wherever all `conditions` hold. `false`: it cannot be told.
pub fn keeps_inside(
    graph: &Graph,
    conditions: &[ValueId],
    ranges: &Facts,
    place: &Extent,
    extent: &Extent,
) -> bool {
    let mut implied = Vec::new();
    for condition in conditions {
        collect(graph, *condition, true, MAX_DEPTH, &mut implied);
    }
    let above = extent.clone() - Extent::from(1) - place.clone();
    [place, &above].into_iter().all(|goal| follows(ranges, &implied, goal))
}

/// Whether `goal >= 0` follows from the ranges of the indices and at most two of the polynomials.
fn follows(ranges: &Facts, implied: &[Extent], goal: &Extent) -> bool {
    let holds = |goal: &Extent| ranges.bounds(goal).is_some_and(|bounds| ranges.nonnegative(&bounds.low));
    if holds(goal) {
        return true;
    }
    implied.iter().enumerate().any(|(at, first)| {
        let rest = goal.clone() - first.clone();
        holds(&rest) || implied[at + 1..].iter().any(|second| holds(&(rest.clone() - second.clone())))
    })
}

/// Adds what follows where `condition` is `holds`.
fn collect(graph: &Graph, condition: ValueId, holds: bool, depth: usize, implied: &mut Vec<Extent>) {
    let Op::Map(op, operands) = &graph.node(condition).op else { return };
    if depth == 0 || implied.len() >= MAX_FACTS {
        return;
    }
    match (op, operands.as_slice()) {
        (ScalarOp::Not, [a]) => collect(graph, *a, !holds, depth - 1, implied),
        // Both hold, or neither does.
        (ScalarOp::And, [a, b]) if holds => {
            collect(graph, *a, true, depth - 1, implied);
            collect(graph, *b, true, depth - 1, implied);
        }
        (ScalarOp::Or, [a, b]) if !holds => {
            collect(graph, *a, false, depth - 1, implied);
            collect(graph, *b, false, depth - 1, implied);
        }
        (ScalarOp::Lt | ScalarOp::Le | ScalarOp::Eq | ScalarOp::Ne, [a, b]) => {
            let (Some(a), Some(b)) = (polynomial(graph, *a, depth), polynomial(graph, *b, depth)) else {
                return;
            };
            let (up, down, one) = (b.clone() - a.clone(), a - b, Extent::from(1));
            match (op, holds) {
                (ScalarOp::Lt, true) => implied.push(up - one),
                (ScalarOp::Lt, false) => implied.push(down),
                (ScalarOp::Le, true) => implied.push(up),
                (ScalarOp::Le, false) => implied.push(down - one),
                (ScalarOp::Eq, true) | (ScalarOp::Ne, false) => implied.extend([up, down]),
                _ => {}
            }
        }
        _ => {}
    }
}

/// The polynomial over sizes and indices that an integer equals, if it is a small one.
fn polynomial(graph: &Graph, value: ValueId, depth: usize) -> Option<Extent> {
    let next = depth.checked_sub(1)?;
    let of = |value: &ValueId| polynomial(graph, *value, next);
    let result = match &graph.node(value).op {
        Op::Const(Literal::Int(value)) => Some(Extent::from(*value)),
        Op::Size(extent) => Some(extent.clone()),
        Op::Index(axis) => Some(index_symbol(axis)),
        Op::Map(ScalarOp::Cast, operands) if graph.ty(value).dtype == tcc_ir::Dtype::I64 => of(&operands[0]),
        Op::Map(op, operands) => match (op, operands.as_slice()) {
            (ScalarOp::Neg, [a]) => Some(-of(a)?),
            (ScalarOp::Add, [a, b]) => Some(of(a)? + of(b)?),
            (ScalarOp::Sub, [a, b]) => Some(of(a)? - of(b)?),
            (ScalarOp::Mul, [a, b]) => times(&of(a)?, &of(b)?),
            (ScalarOp::FloorDiv, [a, b]) => Some(of(a)?.div(of(b)?)),
            (ScalarOp::Mod, [a, b]) => Some(of(a)?.modulo(of(b)?)),
            _ => None,
        },
        _ => None,
    };
    result.filter(small)
}
