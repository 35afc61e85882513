//! Common subexpression elimination: merges values with the same operation, operands and type.
//!
//! ```text
//! %0 = exp %a ; %1 = exp %a ; %2 = add %0, %1
//!   -->
//! %0 = exp %a ; %2 = add %0, %0
//! ```
//!
//! Knows no algebra (`a + b` and `b + a` meet only after `canonicalize`). States are never merged:
//! each stands for its own recurrence.

use super::rewrite::rewrite;
use crate::{Changed, PassContext};
use indexmap::IndexMap;
use tcc_ir::graph::{Graph, Op, ValueId};
use tcc_ir::{ReduceOp, Type, planted};

/// Merges equal values; the first stays. O(n).
pub fn run(graph: &mut Graph, context: &PassContext) -> Changed {
    let mut known: IndexMap<(Op, Type), ValueId> = IndexMap::new();
    rewrite(graph, context, |graph, node| {
        if matches!(node.op, Op::State { .. }) {
            return None;
        }
        let next = ValueId(graph.nodes.len() as u32);
        let mut key = (node.op.clone(), node.ty.clone());
        // Planted bug 19.
        if let (true, Op::Reduce { op, .. }) = (planted(19), &mut key.0) {
            *op = ReduceOp::Sum;
        }
        match known.get(&key) {
            Some(&first) => context.spend().then_some(first),
            None => {
                known.insert(key, next);
                None
            }
        }
    })
}
