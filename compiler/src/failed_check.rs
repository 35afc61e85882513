//! Which element made a run-time check fail.
//!
//! Compiled code only says which check was false. The checks of the graph are evaluated once more, apart
//! from the results, to find the first such point and the number that was compared there.

use crate::operand::compare::unflatten;
use tcc_ir::graph::{Check, Graph, Op, Output, ValueId};
use tcc_ir::scalar::ScalarOp;
use tcc_ir::{Axis, Bindings, EvalError, Extent, Ir, Name, Native, Tensor, Value};

/// Most points of all values together that the checks may have to be evaluated again: well below a second.
const POINT_LIMIT: u128 = 1 << 22;

/// The first point at which a check is false.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The index of every axis of the check.
    pub point: Vec<(Name, usize)>,
    /// The integer that was compared, if that is what the check does.
    pub value: Option<i64>,
    /// The size that it was compared with.
    pub size: Option<Extent>,
}

impl Found {
    /// `k = 3, e = 2`; empty where the check has no axes.
    pub fn place(&self) -> String {
        let word = |name: &Name| name.split('.').next().unwrap_or_default().to_owned();
        let all: Vec<String> =
            self.point.iter().map(|(axis, index)| format!("{} = {index}", word(axis))).collect();
        all.join(", ")
    }
}

/// The tensor of the input with this position; `None` if it cannot be had.
pub type InputOf<'a> = dyn Fn(usize) -> Option<Tensor<Native>> + 'a;

/// The first check that is false on these inputs; `None` if all hold, or if that is too much to find out.
pub fn first_false(graph: &Graph, input: &InputOf<'_>, bindings: &Bindings) -> Option<usize> {
    if graph.checks.is_empty() {
        return None;
    }
    match evaluate(graph, graph.checks.clone(), Vec::new(), input, bindings)? {
        Err(EvalError::Check { site, .. }) => Some(site),
        _ => None,
    }
}

/// The first point at which `check` is false; `None` if there is none, or if that is too much to find out.
pub fn find(graph: &Graph, check: &Check, input: &InputOf<'_>, bindings: &Bindings) -> Option<Found> {
    let compared = compared(graph, condition(graph, check.value));
    let output = |name: &str, value: ValueId| {
        let axes = graph.ty(value).axes.iter().map(|axis| axis.name.clone()).collect();
        Output { name: name.into(), value, axes }
    };
    let mut outputs = vec![output("check", check.value)];
    outputs.extend(compared.as_ref().map(|(value, _)| output("compared", *value)));
    let results = evaluate(graph, Vec::new(), outputs, input, bindings)?.ok()?;
    let holds = results.first()?;
    let at = holds.data.iter().position(|&value| value != Value::Bool(true))?;
    let axes = graph.ty(check.value).axes.iter().map(|axis| axis.name.clone());
    let point: Vec<(Name, usize)> = axes.zip(unflatten(at, &holds.shape)).collect();
    let mut found = Found { point, value: None, size: None };
    if let (Some((value, size)), Some(numbers)) = (compared, results.get(1)) {
        let index = |axis: &Axis| {
            let place = found.point.iter().find(|(name, _)| *name == axis.name);
            place.and_then(|(_, index)| i64::try_from(*index).ok())
        };
        let place: Option<Vec<i64>> = graph.ty(value).axes.iter().map(index).collect();
        found.value = place.and_then(|place| numbers.get(&place)).and_then(Value::as_int);
        found.size = size;
    }
    Some(found)
}

/// Evaluates a part of the graph; `None` if that is too much, or if an input cannot be had.
fn evaluate(
    graph: &Graph,
    checks: Vec<Check>,
    outputs: Vec<Output>,
    input: &InputOf<'_>,
    bindings: &Bindings,
) -> Option<Result<Vec<Tensor<Native>>, EvalError>> {
    let (part, inputs) = part(graph, checks, outputs);
    if points(&part, bindings)? > POINT_LIMIT {
        return None;
    }
    let inputs: Vec<Tensor<Native>> = inputs.into_iter().map(input).collect::<Option<_>>()?;
    Some(part.eval::<Native>(&inputs, bindings))
}

/// The part of the graph that these checks and outputs need, and the positions of its inputs in the whole.
fn part(graph: &Graph, checks: Vec<Check>, outputs: Vec<Output>) -> (Graph, Vec<usize>) {
    let mut part = Graph { checks, outputs, ..graph.clone() };
    let live = part.live();
    let (mut inputs, mut nodes) = (Vec::new(), Vec::new());
    let mut renumbered = vec![ValueId(0); live.len()];
    for (position, mut node) in std::mem::take(&mut part.nodes).into_iter().enumerate() {
        renumbered[position] = ValueId(nodes.len() as u32);
        if live[position] {
            if let Op::Input(input) = &mut node.op {
                inputs.push(*input);
                *input = inputs.len() - 1;
            }
            node.op = node.op.map_operands(&mut |value| renumbered[value.index()]);
            nodes.push(node);
        }
    }
    part.nodes = nodes;
    part.inputs = inputs.iter().filter_map(|&input| graph.inputs.get(input).cloned()).collect();
    part.outputs.iter_mut().for_each(|output| output.value = renumbered[output.value.index()]);
    part.checks.iter_mut().for_each(|check| check.value = renumbered[check.value.index()]);
    (part, inputs)
}

/// Names of the operands that a check depends on.
pub fn operands(graph: &Graph, check: &Check) -> Vec<Name> {
    let (part, _) = part(graph, vec![check.clone()], Vec::new());
    part.inputs.into_iter().map(|input| input.name).collect()
}

/// How many points all values have together; `None` if a size has no value.
fn points(graph: &Graph, bindings: &Bindings) -> Option<u128> {
    let mut total = 0u128;
    for value in graph.values() {
        // A reduction visits every point of what it reduces.
        let mut visited = graph.ty(value).axes.clone();
        for operand in graph.node(value).op.operands() {
            let more = graph.ty(operand).axes.iter().filter(|axis| !visited.contains(axis));
            visited.extend(more.cloned().collect::<Vec<_>>());
        }
        let mut own = 1u128;
        for axis in visited {
            own = own.saturating_mul(u128::try_from(axis.extent.eval(bindings).ok()?).ok()?);
        }
        total = total.saturating_add(own);
    }
    Some(total)
}

/// What a check demands where it is looked at: without `not path or ..`.
fn condition(graph: &Graph, value: ValueId) -> ValueId {
    match &graph.node(value).op {
        Op::Map(ScalarOp::Or, operands) if matches!(operands[..], [_, _]) => operands[1],
        _ => value,
    }
}

/// The integer that a condition compares with 0 or with a size, and that size.
fn compared(graph: &Graph, condition: ValueId) -> Option<(ValueId, Option<Extent>)> {
    let Op::Map(op, operands) = &graph.node(condition).op else { return None };
    let [left, right] = operands[..] else { return None };
    let size = |value: ValueId| match &graph.node(value).op {
        Op::Size(extent) => Some(extent.clone()),
        _ => None,
    };
    match op {
        ScalarOp::And => match (compared(graph, left), compared(graph, right)) {
            (Some((value, None)), Some((_, size))) | (Some((value, size)), _) => Some((value, size)),
            (None, found) => found,
        },
        // `0 <= value`
        ScalarOp::Le => Some((right, None)),
        // `value < size`, `value != 0`
        ScalarOp::Lt | ScalarOp::Ne => Some((left, size(right))),
        _ => None,
    }
}
