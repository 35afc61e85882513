//! Equal forms: what equality saturation finds for a program, chosen at random or as large as possible.
//! The program means the same, and passes meet forms that nobody writes.

use super::program::graph_of;
use crate::case::Case;
use crate::choices::{Choices, Random};
use crate::panics::catch;
use tcc_passes::egraph::{Taste, equivalent};

/// Most nodes that an equal form may have.
const NODE_LIMIT: usize = 60;

fn replaced(case: &mut Case, taste: Taste, seed: u64) -> Option<()> {
    let context = case.context();
    let graph = graph_of(case)?;
    let mut random = Random(seed);
    let form = catch(|| equivalent(graph, &context, taste, &mut |bound| random.below(bound))).ok()??;
    if form.nodes.len() > NODE_LIMIT || form == *graph {
        return None;
    }
    *graph = form;
    Some(())
}

/// A random equal form.
pub fn random(case: &mut Case, choices: &mut Choices, _: &Case) -> Option<()> {
    replaced(case, Taste::Random, choices.word())
}

/// The largest equal form.
pub fn largest(case: &mut Case, choices: &mut Choices, _: &Case) -> Option<()> {
    replaced(case, Taste::Largest, choices.word())
}
