//! What Tzer looks at: whether the compiler crashed, and whether the final results are near those of the
//! program by a fixed tolerance. The baseline that the oracles of this folder are measured against.

use super::Execution;
use crate::finding::Finding;
use tcc_ir::{Native, Tensor, Value};

/// The name in fingerprints.
pub const NAME: &str = "allclose";

/// Relative and absolute tolerance.
const TOLERANCE: f64 = 1e-3;

/// Compares the final results.
pub fn ask(execution: &mut Execution) -> Result<(), Finding> {
    let Some(last) = execution.trace.stages.last() else { return Ok(()) };
    let Ok(want) = execution.reference.native() else { return Ok(()) };
    let got = last.level.eval::<Native>(execution.reference.native_inputs(), &execution.case.sizes);
    let Ok(got) = got else { return Ok(()) };
    let close = want.len() == got.len() && want.iter().zip(&got).all(|(want, got)| all_close(want, got));
    if close {
        return Ok(());
    }
    Err(Finding::new(NAME, "pipeline", execution.trace.ran.len(), "another value"))
}

fn all_close(want: &Tensor<Native>, got: &Tensor<Native>) -> bool {
    let near = |a: f64, b: f64| {
        (a - b).abs() <= TOLERANCE + TOLERANCE * b.abs() || a == b || (a.is_nan() && b.is_nan())
    };
    want.shape == got.shape
        && want.data.iter().zip(&got.data).all(|(a, b)| match (a, b) {
            (Value::Real(a), Value::Real(b)) => near(*a, *b),
            (Value::Complex(a, b), Value::Complex(c, d)) => near(*a, *c) && near(*b, *d),
            (a, b) => a == b,
        })
}
