//! Placeholder: changes nothing yet.

use crate::{Changed, PassContext};
use tcc_ir::loops::Func;

/// Changes nothing yet.
pub fn run(_func: &mut Func, _context: &PassContext) -> Changed {
    Changed::No
}
