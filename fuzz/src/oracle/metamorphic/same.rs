//! Programs with the same results: other names, other layouts, another order of what has none.

use super::Related;
use crate::choices::Random;
use crate::inputs::Numbers;
use tcc_ir::Name;
use tcc_ir::graph::{Graph, Op};

/// Gives every axis another name; the names sort the other way round.
pub fn renamed(graph: &Graph, numbers: &[Numbers], _: &mut Random) -> Option<Related> {
    let mut graph = graph.clone();
    let mut names: Vec<Name> = Vec::new();
    for axis in
        graph.nodes.iter().flat_map(|node| &node.ty.axes).chain(graph.inputs.iter().flat_map(|i| &i.ty.axes))
    {
        if !names.contains(&axis.name) {
            names.push(axis.name.clone());
        }
    }
    names.sort();
    let count = names.len();
    let new = |name: &Name| -> Name {
        let at = names.iter().position(|known| known == name).unwrap_or(count);
        format!("w{:03}", count - at).as_str().into()
    };
    for node in &mut graph.nodes {
        node.ty.axes.iter_mut().for_each(|axis| axis.name = new(&axis.name));
        match &mut node.op {
            Op::Index(name) | Op::State { axis: name, .. } => *name = new(name),
            Op::Reduce { axes, .. } | Op::Normalise { axes, .. } => {
                axes.iter_mut().for_each(|name| *name = new(name));
            }
            Op::Transform { axes, .. } => {
                axes.iter_mut().for_each(|(from, to)| (*from, *to) = (new(from), new(to)));
            }
            Op::Input(_)
            | Op::Const(_)
            | Op::Table(_)
            | Op::Size(_)
            | Op::Map(..)
            | Op::Access { .. }
            | Op::Scatter { .. }
            | Op::Recur { .. } => {}
        }
    }
    graph.inputs.iter_mut().for_each(|i| i.ty.axes.iter_mut().for_each(|axis| axis.name = new(&axis.name)));
    graph.outputs.iter_mut().for_each(|o| o.axes.iter_mut().for_each(|name| *name = new(name)));
    Related::same(graph, numbers.to_vec())
}

/// Stores every operand with its axes in the opposite order.
pub fn transposed(graph: &Graph, numbers: &[Numbers], _: &mut Random) -> Option<Related> {
    let (mut graph, mut numbers) = (graph.clone(), numbers.to_vec());
    // Accesses list their indices in the order of the axes of what they read.
    for at in 0..graph.nodes.len() {
        if let Op::Access { source, indices, outside } = graph.nodes[at].op.clone()
            && matches!(graph.node(source).op, Op::Input(_))
        {
            let indices = indices.into_iter().rev().collect();
            graph.nodes[at].op = Op::Access { source, indices, outside };
        }
    }
    for node in graph.nodes.iter_mut().filter(|node| matches!(node.op, Op::Input(_))) {
        node.ty.axes.reverse();
    }
    for (input, numbers) in graph.inputs.iter_mut().zip(&mut numbers) {
        input.ty.axes.reverse();
        let old = numbers.shape.clone();
        numbers.shape.reverse();
        let shape = numbers.shape.clone();
        let elements: usize = shape.iter().product();
        numbers.elements = (0..elements)
            .map(|mut place| {
                // The indices of the new place, last first, are those of the old one, first first.
                let mut from = 0;
                for (at, extent) in shape.iter().enumerate().rev() {
                    let index = place % extent;
                    place /= extent;
                    from = from * old[old.len() - 1 - at] + index;
                }
                numbers.elements[from]
            })
            .collect();
    }
    // Types of other nodes keep their order; only the set of axes matters there.
    Related::same(graph, numbers)
}

/// Exchanges the operands of all operations that do not care.
pub fn commuted(graph: &Graph, numbers: &[Numbers], _: &mut Random) -> Option<Related> {
    let mut graph = graph.clone();
    for node in &mut graph.nodes {
        if let Op::Map(op, operands) = &mut node.op
            && op.is_commutative()
        {
            operands.reverse();
        }
    }
    Related::same(graph, numbers.to_vec())
}

/// Takes the operands in the opposite order.
pub fn reversed(graph: &Graph, numbers: &[Numbers], _: &mut Random) -> Option<Related> {
    let (mut graph, mut numbers) = (graph.clone(), numbers.to_vec());
    let last = graph.inputs.len().checked_sub(1)?;
    graph.inputs.reverse();
    numbers.reverse();
    for node in &mut graph.nodes {
        if let Op::Input(position) = &mut node.op {
            *position = last - *position;
        }
    }
    Related::same(graph, numbers)
}
