//! Which element made a run-time check fail.
//!
//! Compiled code only says which check was false. The checks of the graph are evaluated once more, apart
//! from the results, to find the first such point and the number that was compared there.

use tcc_ir::graph::{Check, Graph, Op, Output, ValueId};
use tcc_ir::scalar::ScalarOp;
use tcc_ir::{Bindings, EvalError, Extent, Ir, Name, Native, Tensor, Value};

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

/// The first check that is false on these inputs; `None` if all hold, or if that is too much to find out.
pub fn first_false(graph: &Graph, inputs: &[Tensor<Native>], bindings: &Bindings) -> Option<usize> {
    let mut checks = graph.clone();
    checks.outputs.clear();
    if checks.checks.is_empty() || points(&checks, bindings)? > POINT_LIMIT {
        return None;
    }
    match checks.eval::<Native>(inputs, bindings) {
        Err(EvalError::Check { site, .. }) => Some(site),
        _ => None,
    }
}

/// The first point at which `check` is false; `None` if there is none, or if that is too much to find out.
pub fn find(graph: &Graph, check: &Check, inputs: &[Tensor<Native>], bindings: &Bindings) -> Option<Found> {
    let compared = compared(graph, condition(graph, check.value));
    let mut only = graph.clone();
    only.checks.clear();
    let output = |name: &str, value: ValueId| {
        let axes = graph.ty(value).axes.iter().map(|axis| axis.name.clone()).collect();
        Output { name: name.into(), value, axes }
    };
    only.outputs = vec![output("check", check.value)];
    only.outputs.extend(compared.as_ref().map(|(value, _)| output("compared", *value)));
    if points(&only, bindings)? > POINT_LIMIT {
        return None;
    }
    let results = only.eval::<Native>(inputs, bindings).ok()?;
    let holds = results.first()?;
    let at = holds.data.iter().position(|&value| value != Value::Bool(true))?;
    let axes = graph.ty(check.value).axes.iter().map(|axis| axis.name.clone());
    let point: Vec<(Name, usize)> = axes.zip(crate::operand::compare::unflatten(at, &holds.shape)).collect();
    let mut found = Found { point, value: None, size: None };
    if let (Some((value, size)), Some(numbers)) = (compared, results.get(1)) {
        let index = |axis: &tcc_ir::Axis| {
            let place = found.point.iter().find(|(name, _)| *name == axis.name);
            place.and_then(|(_, index)| i64::try_from(*index).ok())
        };
        let place: Option<Vec<i64>> = graph.ty(value).axes.iter().map(index).collect();
        found.value = place.and_then(|place| numbers.get(&place)).and_then(Value::as_int);
        found.size = size;
    }
    Some(found)
}

/// Names of the operands that a check depends on.
pub fn operands(graph: &Graph, check: &Check) -> Vec<Name> {
    let only = Graph { checks: vec![check.clone()], outputs: Vec::new(), ..graph.clone() };
    let live = only.live();
    let mut names = Vec::new();
    for (node, _) in graph.nodes.iter().zip(live).filter(|(_, live)| *live) {
        if let Op::Input(position) = node.op
            && let Some(input) = graph.inputs.get(position)
        {
            names.push(input.name.clone());
        }
    }
    names
}

/// How many points the live values have together; `None` if a size has no value.
fn points(graph: &Graph, bindings: &Bindings) -> Option<u128> {
    let live = graph.live();
    let mut total = 0u128;
    for value in graph.values().filter(|value| live[value.index()]) {
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
