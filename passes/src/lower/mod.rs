//! Lowering: from a graph to loop nests. The only place where memory layout enters.

use crate::PassContext;
use tcc_ir::graph::Graph;
use tcc_ir::loops::Func;
use thiserror::Error;

/// Why a graph has no loops.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct LowerError(pub String);

/// Loop nests that compute the outputs and checks of `graph`.
pub fn lower(_graph: &Graph, _context: &PassContext) -> Result<Func, LowerError> {
    Err(LowerError("lowering is not there yet".into()))
}
