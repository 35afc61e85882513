//! Mutators of graphs that know types and nothing of tensors.

use crate::case::{Case, Program};
use crate::choices::Choices;
use crate::generate::graph::reopen;
use tcc_ir::graph::{Graph, Op, ValueId};
use tcc_ir::scalar::{Literal, ReduceOp, SCALAR_OPS, ScalarOp};
use tcc_ir::{Kind, Name, Type};

/// The graph of a case; a source becomes the graph that it means.
pub fn graph_of(case: &mut Case) -> Option<&mut Graph> {
    if let Program::Source(text) = &case.program {
        let graph = crate::panics::catch(|| crate::trace::compile(text)).ok()?.ok()?;
        case.program = Program::Graph(graph);
    }
    match &mut case.program {
        Program::Graph(graph) => Some(graph),
        Program::Source(_) | Program::Loops(_) => None,
    }
}

/// Values that a condition holds of.
pub fn values(graph: &Graph, wanted: impl Fn(ValueId) -> bool) -> Vec<ValueId> {
    graph.values().filter(|value| wanted(*value)).collect()
}

/// Makes users of `old` read `new`, which may be a later node: the order of nodes is mended.
pub fn replace_uses(graph: &mut Graph, old: ValueId, new: ValueId, but: &[ValueId]) -> Option<()> {
    let swap = |value: ValueId| if value == old { new } else { value };
    for at in 0..graph.nodes.len() {
        if ValueId(at as u32) == new || but.contains(&ValueId(at as u32)) {
            continue;
        }
        let node = &mut graph.nodes[at];
        node.op = std::mem::replace(&mut node.op, Op::Const(Literal::Int(0))).map_operands(&mut |v| swap(v));
    }
    graph.outputs.iter_mut().for_each(|output| output.value = swap(output.value));
    graph.checks.iter_mut().for_each(|check| check.value = swap(check.value));
    retype(graph)
}

/// Sorts nodes topologically and gives every node the type that its operation has; results list the axes
/// that their values have now. `None` if there is no order, or no type.
pub fn retype(graph: &mut Graph) -> Option<()> {
    let mut waiting: Vec<usize> = graph.nodes.iter().map(|node| node.op.operands().len()).collect();
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); graph.nodes.len()];
    for (at, node) in graph.nodes.iter().enumerate() {
        node.op.operands().iter().for_each(|operand| users[operand.index()].push(at));
    }
    let mut ready: std::collections::BTreeSet<usize> =
        (0..waiting.len()).filter(|&at| waiting[at] == 0).collect();
    let mut place = vec![None; graph.nodes.len()];
    let mut sorted = Graph { nodes: Vec::new(), ..graph.clone() };
    while let Some(at) = ready.pop_first() {
        let node = &graph.nodes[at];
        let op = node.op.clone().map_operands(&mut |operand| place[operand.index()].unwrap_or(operand));
        let value = sorted.add(op, &node.ty).ok()?;
        sorted.nodes[value.index()].name = node.name.clone();
        place[at] = Some(value);
        for &user in &users[at] {
            waiting[user] -= 1;
            if waiting[user] == 0 {
                ready.insert(user);
            }
        }
    }
    for position in 0..graph.outputs.len() {
        let value = place[graph.outputs[position].value.index()]?;
        sorted.outputs[position].value = value;
        let axes: Vec<Name> = sorted.ty(value).axes.iter().map(|axis| axis.name.clone()).collect();
        let listed = &mut sorted.outputs[position].axes;
        listed.retain(|name| axes.contains(name));
        let missing: Vec<Name> = axes.into_iter().filter(|name| !listed.contains(name)).collect();
        listed.extend(missing);
    }
    for position in 0..graph.checks.len() {
        sorted.checks[position].value = place[graph.checks[position].value.index()]?;
    }
    *graph = sorted;
    Some(())
}

/// Adds operations, and makes the last of them a result or puts it where a value of its type is read.
pub fn grow(case: &mut Case, choices: &mut Choices, _: &Case) -> Option<()> {
    let sizes = case.sizes.clone();
    let graph = graph_of(case)?;
    let mut maker = reopen(std::mem::take(graph), sizes, choices);
    let mut last = None;
    for _ in 0..1 + maker.choices.below(2) {
        last = maker.grow().or(last);
    }
    let (value, used) = match last {
        Some(value) => (value, maker.choices.chance(50)),
        None => {
            *graph = maker.graph;
            return None;
        }
    };
    let mut done = false;
    if used {
        let ty = maker.graph.ty(value).clone();
        let same = values(&maker.graph, |v| v < value && maker.graph.ty(v).same(&ty));
        if let Some(old) = maker.choices.pick(&same) {
            let operands = maker.graph.node(value).op.operands();
            // What the new value needs must not need it.
            done = !operands.contains(&old) || maker.choices.chance(50);
            if done {
                let ancestors = ancestors(&maker.graph, value);
                let mut graph = maker.graph.clone();
                done = replace_uses(&mut graph, old, value, &ancestors).is_some();
                if done {
                    maker.graph = graph;
                }
            }
        }
    }
    if !done {
        maker.output(value);
        if maker.graph.outputs.len() > 4 {
            maker.graph.outputs.remove(0);
        }
    }
    *graph = maker.graph;
    Some(())
}

/// All values that a value needs.
pub fn ancestors(graph: &Graph, value: ValueId) -> Vec<ValueId> {
    let mut needed = vec![false; graph.nodes.len()];
    needed[value.index()] = true;
    for at in (0..=value.index()).rev() {
        if needed[at] {
            graph.nodes[at].op.operands().iter().for_each(|operand| needed[operand.index()] = true);
        }
    }
    values(graph, |v| v != value && needed[v.index()])
}

/// Whether a node can be replaced without regard to a recurrence.
fn free(graph: &Graph) -> Vec<bool> {
    let stepping = graph.stepping();
    graph
        .values()
        .map(|v| stepping[v.index()].is_none() && !matches!(graph.node(v).op, Op::State { .. }))
        .collect()
}

/// Replaces a value by one of its operands, or by a constant.
pub fn delete(case: &mut Case, choices: &mut Choices, _: &Case) -> Option<()> {
    let graph = graph_of(case)?;
    let free = free(graph);
    let found = values(graph, |v| free[v.index()] && !matches!(graph.node(v).op, Op::Input(_)));
    let old = choices.pick(&found)?;
    let dtype = graph.ty(old).dtype;
    let operands: Vec<ValueId> = graph
        .node(old)
        .op
        .operands()
        .into_iter()
        .filter(|v| free[v.index()] && graph.ty(*v).dtype == dtype)
        .collect();
    let new = match choices.pick(&operands) {
        Some(operand) => operand,
        None => {
            let number = choices.between(0, 3);
            graph.constant(Literal::of(number, dtype), dtype).ok()?
        }
    };
    replace_uses(graph, old, new, &[])
}

/// Puts another operation that takes the same operands and gives the same dtype.
pub fn operator(case: &mut Case, choices: &mut Choices, _: &Case) -> Option<()> {
    let graph = graph_of(case)?;
    let found = values(graph, |v| {
        matches!(
            graph.node(v).op,
            Op::Map(..) | Op::Reduce { .. } | Op::Normalise { .. } | Op::Scatter { .. }
        )
    });
    let value = choices.pick(&found)?;
    let node = graph.node(value).clone();
    let op = match node.op {
        Op::Map(old, operands) => {
            let dtypes: Vec<_> = operands.iter().map(|v| graph.ty(*v).dtype).collect();
            let fitting: Vec<ScalarOp> = SCALAR_OPS
                .iter()
                .filter(|row| row.op != old && row.op.result_dtype(&dtypes) == Some(node.ty.dtype))
                .map(|row| row.op)
                .collect();
            Op::Map(choices.pick(&fitting)?, operands)
        }
        Op::Reduce { op: old, axes, value: operand } => Op::Reduce {
            op: other_reduction(choices, old, graph.ty(operand), &node.ty)?,
            axes,
            value: operand,
        },
        Op::Scatter { op: old, indices, value: operand } => {
            let op = other_reduction(choices, old, graph.ty(operand), &node.ty)?;
            op.scalar_op()?;
            Op::Scatter { op, indices, value: operand }
        }
        _ => return None,
    };
    graph.nodes[value.index()].op = op;
    retype(graph)
}

fn other_reduction(choices: &mut Choices, old: ReduceOp, from: &Type, to: &Type) -> Option<ReduceOp> {
    let fitting: Vec<ReduceOp> = ReduceOp::TABLE
        .iter()
        .map(|row| row.0)
        .filter(|op| *op != old && op.result_dtype(from.dtype) == Some(to.dtype))
        .collect();
    choices.pick(&fitting)
}

/// Makes an operation read another value of the same type.
pub fn rewire(case: &mut Case, choices: &mut Choices, _: &Case) -> Option<()> {
    let graph = graph_of(case)?;
    let free = free(graph);
    let found = values(graph, |v| free[v.index()] && !graph.node(v).op.operands().is_empty());
    let user = choices.pick(&found)?;
    let operands = graph.node(user).op.operands();
    let old = choices.pick(&operands)?;
    let exact = choices.chance(70);
    let fitting = values(graph, |v| {
        v < user
            && v != old
            && free[v.index()]
            && (graph.ty(v).same(graph.ty(old)) || !exact && graph.ty(v).dtype == graph.ty(old).dtype)
    });
    let new = choices.pick(&fitting)?;
    let op = graph.node(user).op.clone();
    let mut done = false;
    graph.nodes[user.index()].op = op.map_operands(&mut |v| {
        if v == old && !done {
            done = true;
            return new;
        }
        v
    });
    retype(graph)
}

/// Computes a value that is read twice once more, for one of its users.
pub fn duplicate(case: &mut Case, choices: &mut Choices, _: &Case) -> Option<()> {
    let graph = graph_of(case)?;
    let free = free(graph);
    let found =
        values(graph, |v| free[v.index()] && !matches!(graph.node(v).op, Op::Input(_) | Op::Recur { .. }));
    let old = choices.pick(&found)?;
    let users = values(graph, |v| free[v.index()] && graph.node(v).op.operands().contains(&old));
    let user = choices.pick(&users)?;
    let node = graph.node(old).clone();
    let copy = graph.push(node.op, node.ty);
    let op = graph.node(user).op.clone();
    graph.nodes[user.index()].op = op.map_operands(&mut |v| if v == old { copy } else { v });
    retype(graph)
}

/// Changes a constant.
pub fn constant(case: &mut Case, choices: &mut Choices, _: &Case) -> Option<()> {
    let graph = graph_of(case)?;
    let found = values(graph, |v| matches!(graph.node(v).op, Op::Const(_)));
    let value = choices.pick(&found)?;
    let dtype = graph.ty(value).dtype;
    let number = choices.pick(&[0, 1, 2, -1, 3, 5, -3, 64, 255, 16_777_217])?;
    let literal = match dtype.kind() {
        Kind::Float if choices.chance(30) => Literal::Real(choices.pick(&[0.5, -0.0, 0.25, -1.5, 1e-3])?),
        _ => Literal::of(number, dtype),
    };
    graph.nodes[value.index()].op = Op::Const(literal);
    retype(graph)
}

/// Adds, drops or transposes a result.
pub fn output(case: &mut Case, choices: &mut Choices, _: &Case) -> Option<()> {
    let sizes = case.sizes.clone();
    let graph = graph_of(case)?;
    match choices.below(3) {
        0 if graph.outputs.len() > 1 => {
            let at = choices.below(graph.outputs.len());
            graph.outputs.remove(at);
        }
        1 => {
            let at = choices.below(graph.outputs.len());
            graph.outputs.get_mut(at)?.axes.reverse();
        }
        _ => {
            let stepping = graph.stepping();
            let found = values(graph, |v| stepping[v.index()].is_none());
            let value = choices.pick(&found)?;
            let mut maker = reopen(std::mem::take(graph), sizes, choices);
            maker.output(value);
            *graph = maker.graph;
        }
    }
    Some(())
}

/// Takes over the program of another case, with the passes of this one.
pub fn splice(case: &mut Case, _: &mut Choices, other: &Case) -> Option<()> {
    if matches!(other.program, Program::Loops(_)) && case.loop_steps().next().is_none() {
        return None;
    }
    case.program = other.program.clone();
    case.sizes = other.sizes.clone();
    Some(())
}
