//! Graph passes: one file each. None of them knows layout.

use crate::Pass;
use tcc_ir::graph::Graph;

/// All passes over graphs.
pub static GRAPH_PASSES: &[Pass<Graph>] = &[];
