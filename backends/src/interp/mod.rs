//! The loop interpreter behind the interface of a backend.

use crate::{Artifact, BackendError, EmitKind, Kernel, Target};
use tcc_ir::loops::Func;

/// The interpreter makes no artifacts.
pub fn emit(_: &Func, kind: EmitKind, _: &Target) -> Result<Artifact, BackendError> {
    Err(unsupported(format!("emitting {}", kind.name())))
}

/// A kernel that evaluates `func` in its own dtypes.
pub fn load(_: &Func) -> Result<Kernel, BackendError> {
    Err(unsupported("running".into()))
}

fn unsupported(what: String) -> BackendError {
    BackendError::Unsupported { backend: "interp", what }
}
