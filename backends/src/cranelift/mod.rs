//! Machine code by Cranelift.

use crate::{Artifact, BackendError, EmitKind, Kernel, Target};
use tcc_ir::loops::Func;

/// Text or object code of `func`.
pub fn emit(_: &Func, kind: EmitKind, _: &Target) -> Result<Artifact, BackendError> {
    Err(unsupported(format!("emitting {}", kind.name())))
}

/// Machine code of `func` in this process.
pub fn load(_: &Func) -> Result<Kernel, BackendError> {
    Err(unsupported("running".into()))
}

fn unsupported(what: String) -> BackendError {
    BackendError::Unsupported { backend: "cranelift", what }
}
