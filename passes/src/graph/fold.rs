//! Constant folding: operations on constants become constants, sizes without symbols numbers.
//!
//! ```text
//! %0 = size 4*8 ; %1 = const 2 : i64 ; %2 = mul %0, %1
//!   -->
//! %2 = const 64 : i64
//! ```
//!
//! Does not fold what rounds, elementary functions, or tensors (see [`crate::constant`]).

use super::rewrite::rewrite;
use crate::constant;
use crate::{Changed, PassContext};
use tcc_ir::graph::{Graph, Node, Op, ValueId};
use tcc_ir::{Dtype, scalar::Literal};

/// Folds every operation whose operands are constants. O(n).
pub fn run(graph: &mut Graph, context: &PassContext) -> Changed {
    rewrite(graph, context, |graph, node| {
        let literal = constant_of(graph, node)?;
        if !literal.fits(node.ty.dtype) || !context.spend() {
            return None;
        }
        Some(graph.push(Op::Const(literal), node.ty.clone()))
    })
}

fn constant_of(graph: &Graph, node: &Node) -> Option<Literal> {
    match &node.op {
        Op::Size(extent) => extent.as_const().map(Literal::Int),
        Op::Map(op, operands) => {
            let operands: Option<Vec<(Literal, Dtype)>> =
                operands.iter().map(|&value| literal(graph, value)).collect();
            constant::fold(*op, node.ty.dtype, &operands?)
        }
        Op::Input(_)
        | Op::Const(_)
        | Op::Table(_)
        | Op::Index(_)
        | Op::Reduce { .. }
        | Op::Access { .. }
        | Op::Scatter { .. }
        | Op::Normalise { .. }
        | Op::State { .. }
        | Op::Recur { .. }
        | Op::Transform { .. } => None,
    }
}

fn literal(graph: &Graph, value: ValueId) -> Option<(Literal, Dtype)> {
    match graph.node(value).op {
        Op::Const(literal) => Some((literal, graph.ty(value).dtype)),
        _ => None,
    }
}
