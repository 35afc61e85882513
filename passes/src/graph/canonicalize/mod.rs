//! Canonicalisation: brings operations and accesses into one of their equal forms, the cheapest.
//!
//! ```text
//! %2 = mul %1, %0        -->  mul %0, %1
//! %3 = mul %a, 1.0       -->  %a
//! %4 = neg (neg %a)      -->  %a
//! %5 = powi %a, 3        -->  mul %a, (mul %a, %a)
//! %6 = access %a[i, j]   -->  %a                     where %a has the axes i, j
//! %8 = access (access %a[i + 1])[k]  -->  access %a[k + 1]
//! ```
//!
//! Every rule keeps every bit (NaN payloads aside), so none looks at the contract: `x + 0.0` stays,
//! because it turns -0 into 0. Needs no other pass; leaves unused values to `dce`.

mod access;
mod scalar;

pub(crate) use scalar::is_neutral;

use super::rewrite::rewrite;
use crate::{Changed, PassContext};
use tcc_ir::graph::{Graph, Node, Op, ValueId};

/// What a rule makes of a node.
enum Rewritten {
    /// An operand, or a value below it.
    Value(ValueId),
    /// Another operation of the same type.
    Operation(Op),
    /// A power by repeated squaring.
    Power(ValueId, u64),
    /// A copy of an index expression in which axes have become other index expressions.
    Substituted(ValueId, access::Substitution),
    /// An access of a value at such copies.
    Composed(access::Composition),
}

/// Most rules that are applied to one node in a row.
const ROUNDS: usize = 8;

/// Applies the rules to every node, operands first. O(n).
pub fn run(graph: &mut Graph, context: &PassContext) -> Changed {
    rewrite(graph, context, |graph, node| {
        let mut current = node.clone();
        let mut replaced = None;
        for _ in 0..ROUNDS {
            let Some(rewritten) = rule(graph, &current) else { break };
            if !keeps_type(graph, &current, &rewritten) || !context.spend() {
                break;
            }
            let before = graph.nodes.len();
            let Some(next) = build(graph, &current, rewritten) else {
                graph.nodes.truncate(before);
                break;
            };
            match next {
                Ok(op) => {
                    current.op = op;
                    replaced = Some(None);
                }
                Err(value) => {
                    replaced = Some(Some(value));
                    break;
                }
            }
        }
        replaced.map(|value| match value {
            Some(value) => value,
            None => {
                graph.nodes.push(current);
                ValueId(graph.nodes.len() as u32 - 1)
            }
        })
    })
}

fn rule(graph: &Graph, node: &Node) -> Option<Rewritten> {
    match &node.op {
        Op::Map(op, operands) => scalar::rule(graph, node.ty.dtype, *op, operands),
        Op::Access { source, indices, outside } => access::rule(graph, *source, indices, *outside),
        Op::Reduce { op, axes, value } => {
            (axes.is_empty() && op.scalar_op().is_some()).then_some(Rewritten::Value(*value))
        }
        Op::Input(_)
        | Op::Const(_)
        | Op::Table(_)
        | Op::Index(_)
        | Op::Size(_)
        | Op::Scatter { .. }
        | Op::Normalise { .. }
        | Op::State { .. }
        | Op::Recur { .. }
        | Op::Transform { .. } => None,
    }
}

/// Whether the result has the type of the node, with its axes in the same order where it is another
/// value (a broadcast operand may have brought more axes).
fn keeps_type(graph: &Graph, node: &Node, rewritten: &Rewritten) -> bool {
    match rewritten {
        Rewritten::Value(value) => *graph.ty(*value) == node.ty,
        Rewritten::Operation(op) => graph.infer(op, &node.ty).is_ok_and(|ty| ty.same(&node.ty)),
        Rewritten::Power(base, _) => *graph.ty(*base) == node.ty,
        Rewritten::Substituted(..) | Rewritten::Composed(_) => true,
    }
}

/// The operation that replaces that of `node`, or the value that replaces the node.
fn build(graph: &mut Graph, node: &Node, rewritten: Rewritten) -> Option<Result<Op, ValueId>> {
    match rewritten {
        Rewritten::Value(value) => Some(Err(value)),
        Rewritten::Operation(op) => Some(Ok(op)),
        Rewritten::Power(base, exponent) => scalar::power(graph, node, base, exponent).map(Err),
        Rewritten::Substituted(source, substitution) => {
            let value = substitution.build(graph, source)?;
            (*graph.ty(value) == node.ty).then_some(Err(value))
        }
        Rewritten::Composed(composition) => {
            let op = composition.build(graph)?;
            graph.infer(&op, &node.ty).is_ok_and(|ty| ty.same(&node.ty)).then_some(Ok(op))
        }
    }
}
