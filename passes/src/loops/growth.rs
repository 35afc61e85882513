//! How large and how deep a function may become.

use crate::PassContext;
use tcc_ir::loops::{Func, MAX_DEPTH, Stmt};

/// Whether a function is within the limits of the context and nested no deeper than the contract of
/// the level allows. Passes that grow functions ask at their end, and undo what grew too far.
pub fn is_within_limits(func: &Func, context: &PassContext) -> bool {
    let size: usize = func.body.iter().map(Stmt::size).sum();
    size <= context.limits.nodes && func.body.iter().map(depth).max().unwrap_or(0) < MAX_DEPTH
}

fn depth(stmt: &Stmt) -> usize {
    let exprs = stmt.exprs().into_iter().map(|expr| expr.depth()).max().unwrap_or(0);
    let nested = stmt.blocks().into_iter().flatten().map(depth).max().unwrap_or(0);
    1 + exprs.max(nested)
}
