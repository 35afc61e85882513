//! Chaos: what the compiler may decide as it likes is decided otherwise.

use crate::case::Case;
use crate::choices::{Choices, Random};
use tcc_ir::graph::{Graph, ValueId};

/// The same program with its nodes in another order that is topological too.
pub fn shuffled(graph: &Graph, seed: u64) -> Graph {
    let mut random = Random(seed);
    let mut waiting: Vec<usize> = vec![0; graph.nodes.len()];
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); graph.nodes.len()];
    for (at, node) in graph.nodes.iter().enumerate() {
        for operand in node.op.operands() {
            waiting[at] += 1;
            users[operand.index()].push(at);
        }
    }
    let mut ready: Vec<usize> = (0..waiting.len()).filter(|&at| waiting[at] == 0).collect();
    let mut place = vec![ValueId(0); graph.nodes.len()];
    let mut nodes = Vec::with_capacity(graph.nodes.len());
    while !ready.is_empty() {
        let at = ready.swap_remove(random.below(ready.len() as u64) as usize);
        place[at] = ValueId(nodes.len() as u32);
        let mut node = graph.nodes[at].clone();
        node.op = node.op.map_operands(&mut |operand| place[operand.index()]);
        nodes.push(node);
        for &user in &users[at] {
            waiting[user] -= 1;
            if waiting[user] == 0 {
                ready.push(user);
            }
        }
    }
    let mut shuffled = Graph { nodes, ..graph.clone() };
    shuffled.outputs.iter_mut().for_each(|output| output.value = place[output.value.index()]);
    shuffled.checks.iter_mut().for_each(|check| check.value = place[check.value.index()]);
    shuffled
}

/// Flips a bit of the chaos bytes.
pub fn flip(case: &mut Case, choices: &mut Choices, _: &Case) -> Option<()> {
    case.chaos.resize(3, 0);
    let bit = choices.below(24);
    case.chaos[bit / 8] ^= 1 << (bit % 8);
    if case.chaos.iter().all(|byte| *byte == 0) {
        case.chaos.clear();
    }
    Some(())
}
