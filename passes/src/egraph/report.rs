//! What saturation did, as data: `tcc explain` prints it.

use super::cost::Sizes;
use super::rules::{Law, Phase, compiled};
use super::{Saturated, extract, saturate};
use crate::PassContext;
use egg::Id;
use indexmap::{IndexMap, IndexSet};
use tcc_ir::graph::{Graph, ValueId};

/// Why a phase ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// No rule found anything new.
    Saturated,
    /// The limit of e-nodes was reached.
    Nodes,
    /// The limit of iterations was reached.
    Iterations,
    /// The fuel was used up.
    Fuel,
}

impl Stop {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Stop::Saturated => "saturated",
            Stop::Nodes => "nodes",
            Stop::Iterations => "iterations",
            Stop::Fuel => "fuel",
        }
    }
}

/// How one phase went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhaseReport {
    /// Which one.
    pub phase: Phase,
    /// How often its rules were tried.
    pub iterations: usize,
    /// E-nodes at its end.
    pub nodes: usize,
    /// Why it ended.
    pub stop: Stop,
}

/// A rule and how often it was used.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleUse {
    /// The name of the rule.
    pub rule: &'static str,
    /// Its law.
    pub law: Law,
    /// How often.
    pub count: usize,
}

/// What was done for one statement of the source.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputReport {
    /// The name of the tensor.
    pub name: String,
    /// Whether an output has it, or a value on the way.
    pub is_output: bool,
    /// The rules that touched the classes in which its new form differs, in the order of their first use.
    pub rules: Vec<RuleUse>,
}

/// What saturation did.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Whether the program is another one.
    pub changed: bool,
    /// Cycles of the program as it was given, by the cost model.
    pub cycles_before: f64,
    /// Cycles of the cheapest form that was found.
    pub cycles_after: f64,
    /// The phases that ran, in order; none if the program is too large.
    pub phases: Vec<PhaseReport>,
    /// The statements whose form changed, in order.
    pub statements: Vec<OutputReport>,
    /// Rules that found another form, which is in no cheapest form of any statement.
    pub unused: Vec<RuleUse>,
    /// Rules that matched but are not allowed by the contract.
    pub refused: Vec<RuleUse>,
}

/// What [`super::run`] would do to a graph, and why; spends nothing.
pub fn explain(graph: &Graph, context: &PassContext) -> Report {
    let sizes = Sizes::new(&graph.symbols, &context.bindings);
    let mut report = Report {
        changed: false,
        cycles_before: 0.0,
        cycles_after: 0.0,
        phases: Vec::new(),
        statements: Vec::new(),
        unused: Vec::new(),
        refused: Vec::new(),
    };
    let budget = context.fuel_left().map_or(usize::MAX, |fuel| usize::try_from(fuel).unwrap_or(usize::MAX));
    let Some(saturated) = saturate(graph, context.contract, &sizes, budget, true) else { return report };
    report.cycles_before = saturated.before;
    report.cycles_after = saturated.before;
    report.phases = saturated.phases.clone();
    report.refused = uses(saturated.refused.iter().map(|(&rule, &count)| (rule, count)));
    let mut fired: IndexMap<usize, usize> = IndexMap::new();
    saturated.firings.iter().for_each(|firing| *fired.entry(firing.rule).or_default() += 1);
    report.unused = uses(fired.into_iter());
    let Some(outcome) = extract(graph, &saturated, &sizes) else { return report };
    if outcome.graph.is_none() {
        return report;
    }
    report.changed = true;
    report.cycles_after = outcome.after;
    let needed = outcome.candidates.needed(&outcome.choice).unwrap_or_default();
    let new: IndexSet<Id> =
        needed.into_iter().filter(|&class| outcome.candidates.is_new(&outcome.choice, class)).collect();
    let firings = firings_of(&saturated);
    let mut told: IndexSet<Id> = IndexSet::new();
    for (name, value, is_output) in statements(graph) {
        let Some(class) = saturated.converted.classes[value.index()] else { continue };
        let mut used: IndexSet<usize> = IndexSet::new();
        let mut stack = vec![saturated.converted.graphs.find(class)];
        // A class is told at the first statement that needs it.
        while let Some(class) = stack.pop() {
            if !told.insert(class) {
                continue;
            }
            if new.contains(&class) {
                used.extend(firings.get(&class).into_iter().flatten().copied());
            }
            if let Some(term) = outcome.candidates.chosen(&outcome.choice, class) {
                stack.extend(term.operands.iter().map(|&id| saturated.converted.graphs.find(id)));
            }
        }
        used.sort_unstable();
        let mut counts: IndexMap<usize, usize> = IndexMap::new();
        for firing in used {
            *counts.entry(saturated.firings[firing].rule).or_default() += 1;
        }
        if !counts.is_empty() {
            let rules = uses(counts.into_iter());
            report.unused.retain(|unused| !rules.iter().any(|used| used.rule == unused.rule));
            report.statements.push(OutputReport { name, is_output, rules });
        }
    }
    report
}

fn uses(counts: impl Iterator<Item = (usize, usize)>) -> Vec<RuleUse> {
    counts
        .map(|(number, count)| {
            let rule = compiled()[number].rule;
            RuleUse { rule: rule.name, law: rule.law, count }
        })
        .collect()
}

/// The firings that touched each class.
fn firings_of(saturated: &Saturated) -> IndexMap<Id, Vec<usize>> {
    let graphs = &saturated.converted.graphs;
    let mut firings: IndexMap<Id, Vec<usize>> = IndexMap::new();
    for (number, firing) in saturated.firings.iter().enumerate() {
        let mut classes: IndexSet<Id> = IndexSet::from([graphs.find(firing.root)]);
        classes.extend(firing.added.clone().map(|node| graphs.find(Id::from(node))));
        for class in classes {
            firings.entry(class).or_default().push(number);
        }
    }
    firings
}

/// The named tensors of a graph: name, value, whether it is an output.
fn statements(graph: &Graph) -> Vec<(String, ValueId, bool)> {
    let live = graph.live();
    let mut statements = Vec::new();
    for value in graph.values().filter(|value| live[value.index()]) {
        if let Some(name) = &graph.node(value).name {
            let is_output = graph.outputs.iter().any(|output| output.value == value);
            statements.push((name.to_string(), value, is_output));
        }
    }
    for output in &graph.outputs {
        if graph.node(output.value).name.is_none() {
            statements.push((output.name.to_string(), output.value, true));
        }
    }
    statements
}
