//! Rebuilding a graph node by node, in topological order: how graph passes are written.

use crate::{Changed, PassContext};
use tcc_ir::graph::{Graph, Node, Op, ValueId};

/// Rebuilds `graph` from its first node to its last. `visit` gets the graph so far and a node whose
/// operands are values of it, and answers with the value that takes the place of the node, or `None`
/// to keep it. A replacement must have the very type of the node, with its axes in the same order
/// (accesses address axes by position). Stops asking when the graph has grown to the limit.
pub fn rewrite(
    graph: &mut Graph,
    context: &PassContext,
    mut visit: impl FnMut(&mut Graph, &Node) -> Option<ValueId>,
) -> Changed {
    let old = std::mem::take(&mut graph.nodes);
    let mut moved: Vec<ValueId> = Vec::with_capacity(old.len());
    let mut changed = false;
    graph.nodes.reserve(old.len());
    for (index, mut node) in old.into_iter().enumerate() {
        node.op = node.op.map_operands(&mut |operand| moved[operand.index()]);
        let within_limit = graph.nodes.len() < context.limits.nodes;
        let replacement = if within_limit { visit(graph, &node) } else { None };
        changed |= replacement.is_some();
        moved.push(match replacement {
            Some(value) => {
                let target = &mut graph.nodes[value.index()];
                debug_assert_eq!(target.ty, node.ty, "node {index} is replaced by a value of another type");
                if target.name.is_none() && deserves_name(&target.op) {
                    target.name = node.name;
                }
                value
            }
            None => {
                graph.nodes.push(node);
                ValueId(graph.nodes.len() as u32 - 1)
            }
        });
    }
    for output in &mut graph.outputs {
        output.value = moved[output.value.index()];
    }
    for check in &mut graph.checks {
        check.value = moved[check.value.index()];
    }
    Changed::from(changed)
}

fn deserves_name(op: &Op) -> bool {
    !matches!(op, Op::Const(_) | Op::Input(_) | Op::Index(_) | Op::Size(_))
}
