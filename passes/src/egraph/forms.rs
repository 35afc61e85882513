//! Other forms of a program than the cheapest: what tests put in the place of a program, and all terms of
//! all classes at once, which must agree.

use super::convert::{all_terms, original_terms, to_graph};
use super::cost::Sizes;
use super::language::Term;
use super::rules::compiled;
use super::{Saturated, saturate};
use crate::PassContext;
use egg::Id;
use indexmap::IndexMap;
use tcc_ir::graph::{Graph, ValueId};

/// Which of the equal forms is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taste {
    /// Any.
    Random,
    /// One with many nodes.
    Largest,
}

/// All terms of all classes of a saturated e-graph, as one graph.
#[derive(Clone, Debug)]
pub struct Forms {
    /// Computes every term.
    pub graph: Graph,
    /// The terms of each class that has several: all of them must be the same value.
    pub classes: Vec<Vec<ValueId>>,
    /// The rules that were applied, in order.
    pub fired: Vec<&'static str>,
}

fn saturated(graph: &Graph, context: &PassContext) -> Option<Saturated> {
    let budget = context.fuel_left().map_or(usize::MAX, |fuel| usize::try_from(fuel).unwrap_or(usize::MAX));
    let sizes = Sizes::new(&graph.symbols, &context.bindings);
    saturate(graph, context.contract, &sizes, budget, false)
}

/// An equal form of a graph. `below` gives numbers below others and decides where there is a choice. Spends
/// nothing; `None` if the graph is too large.
pub fn equivalent(
    graph: &Graph,
    context: &PassContext,
    taste: Taste,
    below: &mut dyn FnMut(u64) -> u64,
) -> Option<Graph> {
    let saturated = saturated(graph, context)?;
    let converted = &saturated.converted;
    let original = original_terms(graph, converted);
    let choice = choose(&saturated, taste, below);
    let term = |class: Id| choice.get(&converted.graphs.find(class)).cloned();
    to_graph(graph, converted, &original, &term)
}

/// All terms of all classes, after at most as many applications of rules as the context has fuel. Spends
/// nothing; `None` if the graph is too large.
pub fn forms(graph: &Graph, context: &PassContext) -> Option<Forms> {
    let saturated = saturated(graph, context)?;
    let converted = &saturated.converted;
    let original = original_terms(graph, converted);
    let choice = choose(&saturated, Taste::Largest, &mut |_| 0);
    let term = |class: Id| choice.get(&converted.graphs.find(class)).cloned();
    let classes: Vec<Id> = choice.keys().copied().collect();
    let (graph, classes) = all_terms(graph, converted, &original, &term, &classes);
    let fired = saturated.firings.iter().map(|firing| compiled()[firing.rule].rule.name).collect();
    Some(Forms { graph, classes, fired })
}

/// A term for every class, without a cycle: a class is chosen once all operands of one of its terms are.
fn choose(saturated: &Saturated, taste: Taste, below: &mut dyn FnMut(u64) -> u64) -> IndexMap<Id, Term> {
    let graphs = &saturated.converted.graphs;
    let mut waiting: Vec<Id> = graphs.classes().map(|class| class.id).collect();
    let mut chosen: IndexMap<Id, Term> = IndexMap::new();
    let mut sizes: IndexMap<Id, u64> = IndexMap::new();
    loop {
        let before = waiting.len();
        if taste == Taste::Random {
            for at in (1..waiting.len()).rev() {
                waiting.swap(at, below(at as u64 + 1) as usize);
            }
        }
        waiting.retain(|&class| {
            let size = |term: &Term| -> Option<u64> {
                let operands = term.operands.iter().map(|&id| sizes.get(&graphs.find(id)).copied());
                operands.sum::<Option<u64>>().map(|sum| sum.saturating_add(1))
            };
            let ready: Vec<(u64, &Term)> =
                graphs[class].iter().filter_map(|term| Some((size(term)?, term))).collect();
            let picked = match taste {
                Taste::Random => ready.get(below(ready.len().max(1) as u64) as usize),
                Taste::Largest => ready.iter().max_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(a.1))),
            };
            let Some((size, term)) = picked else { return true };
            sizes.insert(class, *size);
            chosen.insert(class, (*term).clone());
            false
        });
        if waiting.is_empty() || waiting.len() == before {
            return chosen;
        }
    }
}
