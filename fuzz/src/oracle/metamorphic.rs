//! Relations that hold between a program and another: what all stages and backends have in common cannot be
//! seen by comparing them.

use super::{Execution, meaning};
use crate::case::{Case, Level, Program};
use crate::finding::Finding;
use crate::inputs::Numbers;
use crate::trace;
use tcc_ir::graph::Graph;
use tcc_ir::{Name, Native, Tensor};

/// The name in fingerprints.
pub const NAME: &str = "metamorphic";

/// A relation: what is done to the program and its operands. The results stay the same.
struct Relation {
    name: &'static str,
    change: fn(&mut Graph, &mut [Numbers]) -> Option<()>,
}

const RELATIONS: &[Relation] = &[
    Relation { name: "renamed axes", change: renamed },
    Relation { name: "transposed operands", change: transposed },
];

/// Compiles twice, and compiles the related programs.
pub fn ask(execution: &mut Execution) -> Result<(), Finding> {
    let position = execution.trace.ran.len();
    let again = trace::run(execution.case);
    let texts = |trace: &trace::Trace| trace.stages.last().map(|stage| stage.level.to_string());
    if execution.trace.finding.is_none() && texts(&again) != texts(execution.trace) {
        return Err(Finding::new(NAME, "determinism", position, "compiling again gives another program"));
    }
    let Some(Level::Graph(graph)) = execution.trace.stages.first().map(|stage| &stage.level) else {
        return Ok(());
    };
    for relation in RELATIONS {
        let (mut graph, mut numbers) = (graph.clone(), execution.numbers.to_vec());
        if (relation.change)(&mut graph, &mut numbers).is_none() || graph.verify().is_err() {
            continue;
        }
        let case = Case { program: Program::Graph(graph), ..execution.case.clone() };
        let trace = trace::run(&case);
        let Some(last) = trace.stages.last().filter(|_| trace.finding.is_none()) else { continue };
        let meaning = meaning(&trace, trace.ran.len(), case.inputs.class);
        let got: Vec<Tensor<Native>> = crate::inputs::tensors(&numbers);
        let got = last.level.eval::<Native>(&got, &case.sizes);
        let bounded = || {
            let inputs = crate::inputs::tensors(&numbers);
            last.level.eval(&inputs, &case.sizes)
        };
        match execution.reference.compare_results(&got, meaning, &bounded) {
            Ok(agreement) => execution.agreements.push(agreement),
            Err(message) => {
                let mut finding = Finding::new(NAME, relation.name, position, message);
                if finding.fingerprint.kind.starts_with("another value") {
                    finding.fingerprint.kind = "another value".into();
                }
                return Err(finding);
            }
        }
    }
    Ok(())
}

/// Gives every axis another name; the names sort the other way round.
fn renamed(graph: &mut Graph, _: &mut [Numbers]) -> Option<()> {
    use tcc_ir::graph::Op;
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
    Some(())
}

/// Stores every operand with its axes in the opposite order.
fn transposed(graph: &mut Graph, numbers: &mut [Numbers]) -> Option<()> {
    use tcc_ir::graph::Op;
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
    for (input, numbers) in graph.inputs.iter_mut().zip(numbers) {
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
    Some(())
}
