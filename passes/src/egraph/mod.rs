//! Equality saturation: all forms of a program that the rules find, and the cheapest of them.
//!
//! ```text
//! add (sum[k] A W), (sum[k] B W)   -->   sum[k] (add A, B) W
//! sum[l] (div (mul Q, K), d)       -->   div (sum[l] mul Q, K), d
//! ```
//!
//! The graph becomes an e-graph, in which a class is a value and its terms are ways to compute it. Rules
//! add terms, in three phases; then one term is chosen for each class so that the whole costs the fewest
//! cycles of the cost model. Limits count e-nodes and iterations, never seconds. What belongs to a
//! recurrence is kept as it is. The result is never costlier than the input, by that model.

mod analysis;
mod convert;
mod cost;
mod example;
mod extract;
mod forms;
mod language;
mod pattern;
mod report;
pub mod rules;

pub use example::example;
pub use forms::{Forms, Taste, equivalent, forms};
pub use report::{OutputReport, PhaseReport, Report, RuleUse, Stop, explain};

use crate::{Changed, Contract, PassContext};
use analysis::Graphs;
use convert::{Converted, original_terms, to_egraph, to_graph};
use cost::Sizes;
use egg::{Id, Language};
use extract::{Candidates, Choice};
use indexmap::{IndexMap, IndexSet};
use language::{Operator, OperatorKind, Term};
use pattern::Match;
use rules::{Compiled, Phase, compiled};
use std::ops::Range;
use tcc_ir::graph::{Graph, Op};

/// Graphs with more live nodes than this are only cleaned up.
const LARGE: usize = 1024;

/// Graphs with more live nodes than this are left alone.
const HUGE: usize = 4096;

/// A phase: which rules it tries, how often, and how many e-nodes it may make for each of the program.
struct PhaseRow {
    phase: Phase,
    rules: &'static [Phase],
    iterations: usize,
    growth: usize,
}

const PHASES: &[PhaseRow] = &[
    PhaseRow { phase: Phase::Cleanup, rules: &[Phase::Cleanup], iterations: 6, growth: 2 },
    PhaseRow { phase: Phase::Algebra, rules: &[Phase::Cleanup, Phase::Algebra], iterations: 5, growth: 4 },
    PhaseRow {
        phase: Phase::Recognise,
        rules: &[Phase::Cleanup, Phase::Recognise],
        iterations: 3,
        growth: 5,
    },
];

/// E-nodes that any program may have.
const FREE_NODES: usize = 128;

/// Most matches of one rule in one iteration.
const MATCH_LIMIT: usize = 512;

/// One application of a rule that made two classes one.
struct Firing {
    rule: usize,
    root: Id,
    /// The e-nodes that it added.
    added: Range<usize>,
}

/// An e-graph to which rules were applied.
struct Saturated {
    converted: Converted,
    firings: Vec<Firing>,
    phases: Vec<PhaseReport>,
    /// How often each rule matched that the contract does not allow.
    refused: IndexMap<usize, usize>,
    /// Cycles of the program as it was given.
    before: f64,
}

/// What came out.
struct Outcome {
    choice: Choice,
    candidates: Candidates,
    after: f64,
    graph: Option<Graph>,
}

/// Rewrites to the cheapest form that is found. Spends one unit of fuel for each rule application that
/// joined two classes, in their order, if the result is another graph.
pub fn run(graph: &mut Graph, context: &PassContext) -> Changed {
    let budget = context.fuel_left().map_or(usize::MAX, |fuel| usize::try_from(fuel).unwrap_or(usize::MAX));
    let sizes = Sizes::new(&graph.symbols, &context.bindings);
    let Some(saturated) = saturate(graph, context.contract, &sizes, budget, false) else {
        return Changed::No;
    };
    if let Some(fired) = &context.fired {
        fired.note(saturated.firings.iter().map(|firing| compiled()[firing.rule].rule.name));
    }
    if saturated.firings.is_empty() {
        return Changed::No;
    }
    let Some(rewritten) = extract(graph, &saturated, &sizes).and_then(|outcome| outcome.graph) else {
        return Changed::No;
    };
    let fits = rewritten.nodes.len() <= context.limits.nodes.max(graph.nodes.len());
    if !fits || !saturated.firings.iter().all(|_| context.spend()) {
        return Changed::No;
    }
    *graph = rewritten;
    Changed::Yes
}

/// Applies the rules, at most `budget` times. `None` if the graph is too large.
fn saturate(
    graph: &Graph,
    contract: Contract,
    sizes: &Sizes,
    budget: usize,
    search_refused: bool,
) -> Option<Saturated> {
    let live = graph.live().into_iter().filter(|live| *live).count();
    if live > HUGE {
        return None;
    }
    let converted = to_egraph(graph);
    let original = original_terms(graph, &converted);
    let before = candidates(graph, &converted, &original, sizes);
    let before = before.cycles(&before.given())?;
    let mut saturated =
        Saturated { converted, firings: Vec::new(), phases: Vec::new(), refused: IndexMap::new(), before };
    let mut search = Search { contract, budget, search_refused, seen: IndexSet::new() };
    let nodes = saturated.converted.graphs.total_number_of_nodes();
    for row in PHASES {
        if live > LARGE && row.phase != Phase::Cleanup {
            continue;
        }
        let limit = FREE_NODES + nodes.saturating_mul(row.growth);
        let (mut stop, mut iterations) = (Stop::Iterations, 0);
        while iterations < row.iterations {
            iterations += 1;
            match search.iteration(&mut saturated, row.rules, limit) {
                Some(reason) => {
                    stop = reason;
                    break;
                }
                None => continue,
            }
        }
        let nodes = saturated.converted.graphs.total_number_of_nodes();
        saturated.phases.push(PhaseReport { phase: row.phase, iterations, nodes, stop });
    }
    Some(saturated)
}

struct Search {
    contract: Contract,
    budget: usize,
    search_refused: bool,
    /// Matches that were applied, so that each is applied once.
    seen: IndexSet<(usize, Id, Vec<Id>)>,
}

impl Search {
    /// Finds all matches of the rules of some phases, then applies them. Says why there is nothing left to
    /// do, if so.
    fn iteration(&mut self, saturated: &mut Saturated, phases: &[Phase], limit: usize) -> Option<Stop> {
        let mut matches: Vec<(usize, Id, Match)> = Vec::new();
        for (number, compiled) in compiled().iter().enumerate() {
            if phases.contains(&compiled.rule.phase) {
                self.find(number, compiled, saturated, &mut matches);
            }
        }
        let graphs = &mut saturated.converted.graphs;
        let mut stop = Stop::Saturated;
        let mut changed = false;
        for (number, root, found) in matches {
            if graphs.total_number_of_nodes() >= limit {
                stop = Stop::Nodes;
                break;
            }
            if saturated.firings.len() >= self.budget {
                stop = Stop::Fuel;
                break;
            }
            let before = graphs.nodes().len();
            let equals = compiled()[number].equals(graphs, root, &found);
            let added = before..graphs.nodes().len();
            let mut joined = false;
            for other in equals {
                if graphs.find(root) != graphs.find(other) {
                    joined |= graphs.union(root, other);
                }
            }
            if joined {
                changed = true;
                saturated.firings.push(Firing { rule: number, root, added });
            }
        }
        if !graphs.clean {
            graphs.rebuild();
            convert::contractions(graphs);
        }
        match (stop, changed) {
            (Stop::Saturated, true) => None,
            (stop, _) => Some(stop),
        }
    }

    fn find(
        &mut self,
        number: usize,
        compiled: &Compiled,
        saturated: &mut Saturated,
        matches: &mut Vec<(usize, Id, Match)>,
    ) {
        let graphs = &saturated.converted.graphs;
        let first = matches.len();
        for class in classes_of(graphs, compiled.left.root()) {
            for found in compiled.left.matches(graphs, class) {
                if matches.len() - first >= MATCH_LIMIT || !compiled.holds(graphs, &found) {
                    continue;
                }
                let allowed = compiled.allowed(self.contract, graphs, class, &found);
                if !allowed && !self.search_refused {
                    continue;
                }
                let values = found.values.iter().map(|(_, id)| *id).collect();
                if !self.seen.insert((number, class, values)) && !compiled.left.is_any() {
                    continue;
                }
                if allowed {
                    matches.push((number, class, found));
                } else {
                    *saturated.refused.entry(number).or_default() += 1;
                }
            }
        }
    }
}

/// The classes that have a term of a kind; all classes if no kind is given.
fn classes_of(graphs: &Graphs, kind: Option<OperatorKind>) -> Vec<Id> {
    match kind {
        Some(kind) => graphs.classes_for_op(&kind).map(Iterator::collect).unwrap_or_default(),
        None => graphs.classes().map(|class| class.id).collect(),
    }
}

/// The choices that the roots of a graph have.
fn candidates(
    graph: &Graph,
    converted: &Converted,
    original: &IndexMap<Term, tcc_ir::graph::ValueId>,
    sizes: &Sizes,
) -> Candidates {
    let roots = graph.outputs.iter().map(|output| output.value).chain(graph.checks.iter().map(|c| c.value));
    let roots: Vec<Id> = roots.filter_map(|root| converted.classes[root.index()]).collect();
    let graphs = &converted.graphs;
    let contractions = given_contractions(graph, converted, original);
    let is_original = |term: &Term| original.contains_key(term) || contractions.contains(term);
    Candidates::new(graphs, sizes, &extract::distinct(roots), &is_original)
}

/// The contractions that the sums of products of the given program are.
fn given_contractions(
    graph: &Graph,
    converted: &Converted,
    original: &IndexMap<Term, tcc_ir::graph::ValueId>,
) -> IndexSet<Term> {
    let graphs = &converted.graphs;
    let mut contractions = IndexSet::new();
    for (term, &value) in original {
        let Op::Reduce { value: operand, .. } = graph.node(value).op else { continue };
        let Operator::Reduce(tcc_ir::ReduceOp::Sum, axes) = graphs.analysis.operators.of(term) else {
            continue;
        };
        if !matches!(graph.node(operand).op, Op::Map(tcc_ir::ScalarOp::Mul, _)) {
            continue;
        }
        let factors: Option<Vec<Id>> =
            graph.node(operand).op.operands().iter().map(|&f| converted.classes[f.index()]).collect();
        if let (Some(factors), Some(operator)) =
            (factors, graphs.analysis.operators.known(&Operator::Contract(axes.clone())))
        {
            let mut contraction = Term { kind: OperatorKind::CONTRACT, operator, operands: factors };
            contraction.update_children(|id| graphs.find(id));
            contractions.insert(contraction);
        }
    }
    contractions
}

/// The cheapest form; its graph only if it is cheaper than the given program.
fn extract(graph: &Graph, saturated: &Saturated, sizes: &Sizes) -> Option<Outcome> {
    let converted = &saturated.converted;
    let original = original_terms(graph, converted);
    let candidates = candidates(graph, converted, &original, sizes);
    let (choice, after) = candidates.best()?;
    let cheaper = after < saturated.before * (1.0 - 1e-9);
    let rewritten = cheaper.then(|| {
        let term = |class: Id| candidates.chosen(&choice, converted.graphs.find(class));
        to_graph(graph, converted, &original, &term)
    });
    Some(Outcome { choice, candidates, after, graph: rewritten.flatten() })
}

/// Every graph that one application of one rule makes of a graph, at most `limit`; whatever it costs and
/// whatever the contract. For tests of single rules.
pub fn rewritten_by(graph: &Graph, name: &str, limit: usize) -> Vec<Graph> {
    let Some(number) = compiled().iter().position(|compiled| compiled.rule.name == name) else {
        return Vec::new();
    };
    let rule = &compiled()[number];
    let mut results = Vec::new();
    let mut matched = to_egraph(graph).graphs;
    matched.rebuild();
    for class in classes_of(&matched, rule.left.root()) {
        for found in rule.left.matches(&matched, class) {
            if !rule.holds(&matched, &found) {
                continue;
            }
            let mut position = 0;
            // The same e-graph again, with the same numbers, so that applications do not meet.
            while results.len() < limit {
                let mut converted = to_egraph(graph);
                let equals = rule.equals(&mut converted.graphs, class, &found);
                let Some(&other) = equals.get(position) else { break };
                position += 1;
                results.extend(replaced(graph, converted, class, other));
            }
        }
    }
    results
}

/// The graph in which the class `root` is computed as the class `other`, to which it is equal.
fn replaced(graph: &Graph, mut converted: Converted, root: Id, other: Id) -> Option<Graph> {
    let before = original_terms(graph, &converted);
    let preferred = |graphs: &Graphs, class: Id, known: &dyn Fn(&Term) -> bool| {
        graphs[class].iter().find(|term| known(term)).or_else(|| graphs[class].iter().next()).cloned()
    };
    let mut new = preferred(&converted.graphs, other, &|term| before.contains_key(term))?;
    if !converted.graphs.union(root, other) {
        return None;
    }
    converted.graphs.rebuild();
    let graphs = &converted.graphs;
    new.update_children(|id| graphs.find(id));
    let original = original_terms(graph, &converted);
    let root = graphs.find(root);
    let choice = |class: Id| {
        let class = graphs.find(class);
        match class == root {
            true => Some(new.clone()),
            false => preferred(graphs, class, &|term| original.contains_key(term)),
        }
    };
    to_graph(graph, &converted, &original, &choice)
}
