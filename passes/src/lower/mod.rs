//! Lowering: from a graph to loop nests. The only place where memory layout enters.
//!
//! A value is a function from indices to a number, so it can be computed wherever it is read.
//! [`decide`] chooses which values get a buffer and a loop nest of their own; all others are computed
//! inside the nests of their users, so that a product under a sum is never stored. [`schedule`]
//! puts the nests in order, [`recurrence`] finds what steps together, and the other files write the
//! nests of one kind of operation each.
//!
//! Every verified graph has loops, optimised or not, with symbolic sizes or constant ones.

mod access;
mod contraction;
mod decide;
mod emit;
mod guard;
mod normalise;
mod range;
mod recurrence;
mod reduce;
mod schedule;
mod slice;
mod step;
mod transform;

use crate::PassContext;
use tcc_ir::Name;
use tcc_ir::graph::Graph;
use tcc_ir::loops::Func;
use thiserror::Error;

/// Why a graph has no loops.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LowerError {
    /// It cannot be written as loops.
    #[error("{0}")]
    Loops(String),
    /// A value has more bytes than 64 bits can count.
    #[error("`{0}` has more bytes than can be addressed")]
    TooLarge(Name),
}

/// Loop nests that compute the outputs and checks of `graph`.
///
/// Fails only where the loops would be nested deeper than the loop level allows, or a value has more bytes than
/// can be addressed.
pub fn lower(graph: &Graph, context: &PassContext) -> Result<Func, LowerError> {
    let live = schedule::live(graph);
    let recurrences = recurrence::analyse(graph, &live);
    let decisions = decide::decide(graph, live, recurrences, context);
    let steps = schedule::schedule(graph, &decisions);
    let mut emitter = emit::Emitter::new(graph, &decisions);
    emitter.assign_outputs();
    for step in steps {
        emitter.step(step)?;
    }
    emitter.finish()
}
