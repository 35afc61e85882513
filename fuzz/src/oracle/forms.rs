//! All terms of a class of the e-graph are the same value. The cheapest form hides rules that are wrong where
//! what they find is never the cheapest; here every form is evaluated.

use super::{Effort, Execution};
use crate::case::{Case, Level};
use crate::compare::{Agreement, Meaning, Reference};
use crate::finding::Finding;
use tcc_ir::graph::{Graph, Op, Output};
use tcc_passes::PassContext;
use tcc_passes::egraph::{Forms, forms};

/// The name in fingerprints.
pub const NAME: &str = "forms";

/// Graphs with more nodes are left alone.
const NODE_LIMIT: usize = 40;

/// Graphs of so few nodes are always looked at, of the others one in so many.
const SMALL: usize = 12;
const OTHERS: u64 = 8;

/// Most nodes of the graph of all forms.
const FORMS_LIMIT: usize = 600;

/// Saturates the graph that the first `saturate` of the pipeline meets, and compares all forms.
pub fn ask(execution: &mut Execution) -> Result<(), Finding> {
    if execution.trace.rules.is_empty() {
        return Ok(());
    }
    let Some(position) = execution.trace.ran.iter().position(|ran| ran.pass == "saturate") else {
        return Ok(());
    };
    let before = execution.trace.stages.iter().rev().find(|stage| stage.position <= position);
    let Some(Level::Graph(graph)) = before.map(|stage| &stage.level) else { return Ok(()) };
    let stepping = graph.nodes.iter().any(|node| matches!(node.op, Op::State { .. }));
    // Small graphs have few forms; of the others, one in some.
    let small = graph.nodes.len() <= SMALL || execution.effort == Effort::All;
    if stepping
        || graph.nodes.len() > NODE_LIMIT
        || !small && !execution.case.inputs.seed.is_multiple_of(OTHERS)
    {
        return Ok(());
    }
    let Err(message) = compare(execution.case, graph, &execution.case.context()) else { return Ok(()) };
    // The fewest applications of rules after which two forms differ: the last of them is wrong.
    let (mut good, mut bad) = (0, usize::MAX);
    if let Some(forms) = forms(graph, &execution.case.context()) {
        bad = forms.fired.len();
    }
    while good + 1 < bad {
        let middle = good + (bad - good) / 2;
        let context = execution.case.context().with_fuel(middle as u64);
        match compare(execution.case, graph, &context) {
            Ok(()) => good = middle,
            Err(_) => bad = middle,
        }
    }
    let rule = forms(graph, &execution.case.context())
        .and_then(|forms| forms.fired.get(bad.wrapping_sub(1)).copied())
        .unwrap_or("saturate");
    let message = format!("two forms of one value differ after firing {bad}, {rule}: {message}");
    let mut finding = Finding::new(NAME, rule, position + 1, message);
    finding.fingerprint.kind = "two forms of one value differ".into();
    Err(finding)
}

/// Evaluates all forms at once and compares the terms of each class.
fn compare(case: &Case, graph: &Graph, context: &PassContext) -> Result<(), String> {
    let Some(Forms { graph: all, classes, .. }) = forms(graph, context) else { return Ok(()) };
    if all.nodes.len() > FORMS_LIMIT || classes.is_empty() {
        return Ok(());
    }
    // One program computes the first term of every class, the other each of the others.
    let most = classes.iter().map(Vec::len).max().unwrap_or(0);
    let with = |pick: &dyn Fn(&[tcc_ir::graph::ValueId]) -> tcc_ir::graph::ValueId| {
        let mut graph = all.clone();
        graph.outputs = classes
            .iter()
            .enumerate()
            .map(|(number, values)| {
                let first = all.ty(values[0]);
                let axes = first.axes.iter().map(|axis| axis.name.clone()).collect();
                Output { name: format!("c{number}").as_str().into(), value: pick(values), axes }
            })
            .collect();
        Level::Graph(graph)
    };
    let first = with(&|values| values[0]);
    let numbers =
        crate::inputs::numbers(&first, &case.sizes, case.inputs).map_err(|error| error.to_string())?;
    let reference = Reference::new(&first, &case.sizes, &numbers, case.inputs.class, case.contract);
    for number in 1..most.min(6) {
        let other = with(&|values| values.get(number).copied().unwrap_or(values[0]));
        match reference.compare(&other, Meaning::Everywhere) {
            Ok(Agreement::Undecided) => return Ok(()),
            Ok(_) => {}
            Err(message) => return Err(message),
        }
    }
    Ok(())
}
