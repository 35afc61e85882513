//! Dead code elimination: drops values that no output and no check needs, and checks that are
//! constantly true.
//!
//! ```text
//! %0 = exp %a ; %1 = sin %a ; output %0
//!   -->
//! %0 = exp %a ; output %0
//! ```
//!
//! Declared inputs stay declared: they are the signature of the program.

use crate::{Changed, PassContext};
use tcc_ir::graph::{Graph, Op, ValueId};
use tcc_ir::planted;
use tcc_ir::scalar::Literal;

/// Drops what is dead. O(n).
pub fn run(graph: &mut Graph, context: &PassContext) -> Changed {
    let before = graph.checks.len();
    let mut checks = std::mem::take(&mut graph.checks);
    checks.retain(|check| {
        let holds = matches!(graph.node(check.value).op, Op::Const(Literal::Bool(true)));
        !(holds && context.spend())
    });
    graph.checks = checks;
    let mut live = graph.live();
    // Planted bug 21.
    for output in graph.outputs.iter().filter(|_| planted(21)) {
        if matches!(graph.node(output.value).op, Op::Input(_)) {
            continue;
        }
        let users = graph.values().filter(|&user| graph.node(user).op.operands().contains(&output.value));
        let users: Vec<bool> = users.map(|user| live[user.index()]).collect();
        live[output.value.index()] = users.is_empty() || users.contains(&true);
    }
    let dropped = live.contains(&false) && context.spend();
    if dropped {
        let mut moved = Vec::with_capacity(live.len());
        for (node, live) in std::mem::take(&mut graph.nodes).into_iter().zip(live) {
            moved.push(ValueId(graph.nodes.len() as u32));
            if live {
                let op = node.op.map_operands(&mut |operand| moved[operand.index()]);
                graph.nodes.push(tcc_ir::graph::Node { op, ..node });
            }
        }
        for output in &mut graph.outputs {
            output.value = moved[output.value.index()];
        }
        for check in &mut graph.checks {
            check.value = moved[check.value.index()];
        }
    }
    Changed::from(dropped || graph.checks.len() < before)
}
