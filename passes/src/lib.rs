//! Passes over the two IR levels, the lowering between them, and pipelines of both.
//!
//! A pass is a row of [`GRAPH_PASSES`] or [`LOOP_PASSES`] and one function. **Passes are total**:
//! any verified input, in any order and any number of times, gives verified output with the same
//! meaning (or [`Changed::No`]). What a later pass must know is written into the IR, where the
//! verifier sees it, never into an order.
//!
//! This crate knows no backend. Nothing here reads a clock, the environment or a random number:
//! the same input gives the same output on any day.

pub mod constant;
pub mod context;
pub mod cost;
pub mod egraph;
pub mod graph;
pub mod loops;
pub mod lower;
pub mod pipeline;
pub mod recipe;

pub use context::{Arguments, Changed, Contract, Limits, PassContext};
pub use graph::GRAPH_PASSES;
pub use loops::LOOP_PASSES;
pub use pipeline::{LEVELS, PassObserver, Pipeline, PipelineError, Quiet};
pub use recipe::Recipe;

/// One pass, described as data: the CLI lists it, the fuzzer draws from it, pipelines name it.
pub struct Pass<I: 'static> {
    /// The name in pipelines.
    pub name: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// Its arguments, in the order in which a pipeline gives them.
    pub params: &'static [Param],
    /// Whether every level must contain it, because a backend relies on what it establishes.
    pub required: bool,
    /// The pass itself.
    pub run: fn(&mut I, &PassContext) -> Changed,
}

/// An integer argument of a pass.
pub struct Param {
    /// The name, by which the pass asks for it.
    pub name: &'static str,
    /// The value when a pipeline leaves it out.
    pub default: i64,
    /// The values that are allowed.
    pub choices: &'static [i64],
}

/// The row called `name`.
pub fn find<I>(passes: &'static [Pass<I>], name: &str) -> Option<&'static Pass<I>> {
    passes.iter().find(|pass| pass.name == name)
}
