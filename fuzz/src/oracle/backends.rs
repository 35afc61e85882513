//! All backends compute the same bytes from the same loops.

use super::Execution;
use crate::finding::Finding;
use tcc_backends::{BACKENDS, BackendError, CallError, Kernel};
use tcc_ir::loops::Func;
use tcc_ir::{Array, Dtype, Tensor};
use tcc_passes::{LOOP_PASSES, PassContext};

/// The name in fingerprints.
pub const NAME: &str = "backends";

/// Runs the loops on the backends that the case names, and on the interpreter.
pub fn ask(execution: &mut Execution) -> Result<(), Finding> {
    let Some(func) = execution.trace.last_loops() else { return Ok(()) };
    if execution.case.backends.is_empty() {
        return Ok(());
    }
    let position = execution.trace.ran.len();
    let func = ready(func, &execution.case.context());
    let inputs: Result<Vec<Array>, _> =
        execution.reference.native_inputs().iter().map(Tensor::to_array).collect();
    let Ok(inputs) = inputs else { return Ok(()) };
    let symbols = func.symbols.iter();
    let sizes: Option<Vec<i64>> =
        symbols.map(|symbol| execution.case.sizes.get(&symbol.name).copied()).collect();
    let Some(sizes) = sizes else { return Ok(()) };
    let run = |name: &str| -> Option<Result<Vec<Array>, String>> {
        let backend = BACKENDS.iter().find(|row| row.name == name)?;
        let kernel: Kernel = match (backend.load)(&func) {
            Ok(kernel) => kernel,
            Err(BackendError::Unsupported { .. }) => return None,
            Err(error) => return Some(Err(format!("no code: {error}"))),
        };
        let operands: Vec<&Array> = inputs.iter().collect();
        let mut outputs = match kernel.allocate_outputs(&sizes) {
            Ok(outputs) => outputs,
            Err(error) => return Some(Err(refusal(&error))),
        };
        Some(match kernel.run_arrays(&operands, &mut outputs, &sizes) {
            Ok(()) => Ok(outputs),
            Err(error) => Err(refusal(&error)),
        })
    };
    let Some(want) = run("interp") else { return Ok(()) };
    // Machine code checks no access: what the interpreter has not seen to the end is not run.
    if want.as_ref().is_err_and(|refusal| !refusal.starts_with(CHECK)) {
        return Ok(());
    }
    for &name in &execution.case.backends {
        let Some(got) = run(name) else { continue };
        let difference = match (&want, &got) {
            (Ok(want), Ok(got)) => difference(want, got),
            (Err(want), Err(got)) if want == got => None,
            (want, got) => {
                Some(format!("another end: {:?} but {:?}", want.as_ref().err(), got.as_ref().err()))
            }
        };
        if let Some(message) = difference {
            let mut finding = Finding::new(NAME, name, position, message);
            if finding.fingerprint.kind.starts_with("another value") {
                finding.fingerprint.kind = "another value".into();
            }
            return Err(finding);
        }
    }
    Ok(())
}

/// How the refusals begin that the program itself states.
const CHECK: &str = "check";

/// What a failed call says, without its words: they are the interpreter's or the backend's own.
fn refusal(error: &CallError) -> String {
    match error {
        CallError::Check { site, .. } => format!("{CHECK} {site}"),
        other => other.to_string(),
    }
}

/// The loops with what backends rely on.
fn ready(func: &Func, context: &PassContext) -> Func {
    let mut func = func.clone();
    for pass in LOOP_PASSES.iter().filter(|pass| pass.required) {
        if pass.name == "reuse_buffers" && func.arena.is_some() {
            continue;
        }
        (pass.run)(&mut func, context);
        func.compact();
    }
    func
}

/// The first element that differs; NaN of all kinds are the same.
fn difference(want: &[Array], got: &[Array]) -> Option<String> {
    for (output, (want, got)) in want.iter().zip(got).enumerate() {
        if want.dtype() != got.dtype() || want.shape() != got.shape() {
            return Some("another type".into());
        }
        let size = want.dtype().part().size_bytes();
        let parts = want.bytes().chunks_exact(size).zip(got.bytes().chunks_exact(size));
        for (place, (a, b)) in parts.enumerate() {
            if a != b && !(is_nan(want.dtype().part(), a) && is_nan(want.dtype().part(), b)) {
                return Some(format!("another value: result {output}, part {place}: {a:02x?} but {b:02x?}"));
            }
        }
    }
    None
}

fn is_nan(dtype: Dtype, bytes: &[u8]) -> bool {
    let two = || bytes.try_into().map(u16::from_ne_bytes).unwrap_or(0);
    match dtype {
        Dtype::F16 => two() & 0x7fff > 0x7c00,
        Dtype::BF16 => two() & 0x7fff > 0x7f80,
        Dtype::F32 => bytes.try_into().map(f32::from_ne_bytes).is_ok_and(f32::is_nan),
        Dtype::F64 => bytes.try_into().map(f64::from_ne_bytes).is_ok_and(f64::is_nan),
        _ => false,
    }
}
