//! All backends compute the same bytes from the same loops.

use super::Execution;
use crate::finding::Finding;
use tcc_backends::{BACKENDS, BackendError, CallError, Image, Kernel};
use tcc_ir::loops::Func;
use tcc_ir::{Array, Dtype, Tensor};
use tcc_passes::{LOOP_PASSES, PassContext};

/// The name in fingerprints.
pub const NAME: &str = "backends";

/// The loops at the end as backends take them, with what was loaded of them: loading is what costs.
pub struct Loaded {
    func: Func,
    /// The operands.
    pub inputs: Vec<Array>,
    /// A value for every symbol, in order of declaration.
    pub sizes: Vec<i64>,
    kernels: Vec<(&'static str, Option<Result<Kernel, String>>)>,
    want: Option<Option<Outcome>>,
}

/// The results of a call, or how it ended.
pub type Outcome = Result<Vec<Array>, String>;

impl Loaded {
    /// The loops of an execution; `None` if it has none that any backend can run.
    fn new(execution: &Execution) -> Option<Loaded> {
        let func = execution.trace.last_loops().filter(|_| !execution.case.backends.is_empty())?;
        let func = ready(func, &execution.case.context());
        let inputs = execution.reference.native_inputs().iter().map(Tensor::to_array);
        let inputs = inputs.collect::<Result<_, _>>().ok()?;
        let size = |symbol: &tcc_ir::SymbolDecl| execution.case.sizes.get(&symbol.name).copied();
        let sizes = func.symbols.iter().map(size).collect::<Option<_>>()?;
        Some(Loaded { func, inputs, sizes, kernels: Vec::new(), want: None })
    }

    /// The kernel that a backend makes; `None` if it does not support the loops.
    pub fn kernel(&mut self, name: &'static str) -> Option<Result<Kernel, String>> {
        if let Some((_, kernel)) = self.kernels.iter().find(|row| row.0 == name) {
            return kernel.clone();
        }
        let backend = BACKENDS.iter().find(|row| row.name == name);
        let kernel = backend.and_then(|backend| match (backend.load)(&self.func) {
            Ok(kernel) => Some(Ok(kernel)),
            Err(BackendError::Unsupported { .. }) => None,
            Err(error) => Some(Err(format!("no code: {error}"))),
        });
        self.kernels.push((name, kernel.clone()));
        kernel
    }

    /// Runs the loops on a backend; `None` if it does not support them.
    fn run(&mut self, name: &'static str) -> Option<Outcome> {
        let kernel = match self.kernel(name)? {
            Ok(kernel) => kernel,
            Err(error) => return Some(Err(error)),
        };
        Some(self.call(&kernel))
    }

    fn call(&self, kernel: &Kernel) -> Outcome {
        let operands: Vec<&Array> = self.inputs.iter().collect();
        let outcome = kernel.allocate_outputs(&self.sizes).and_then(|mut outputs| {
            kernel.run_arrays(&operands, &mut outputs, &self.sizes).map(|()| outputs)
        });
        outcome.map_err(|error| refusal(&error))
    }

    /// Runs code that was compiled anew, written and read back; `None` if the backend's code cannot be kept.
    /// `Err`: it is not what it was.
    pub fn run_kept(&mut self, name: &'static str) -> Result<Option<Outcome>, String> {
        let images = BACKENDS.iter().find(|row| row.name == name).and_then(|row| row.images);
        let Some(images) = images else { return Ok(None) };
        let (Ok(first), Ok(second)) = ((images.compile)(&self.func), (images.compile)(&self.func)) else {
            return Ok(None);
        };
        let bytes = first.to_bytes();
        if bytes != second.to_bytes() {
            return Err("compiling again gives other code".into());
        }
        let read = Image::from_bytes(&bytes).map_err(|error| format!("what was written: {error}"))?;
        let kernel = (images.load)(&read).map_err(|error| format!("what was kept does not load: {error}"))?;
        Ok(Some(self.call(&kernel)))
    }

    /// What the interpreter computes; `None` where machine code, which checks no access, must not run: the
    /// interpreter has not come to the end, and the program does not say so itself.
    pub fn want(&mut self) -> Option<Outcome> {
        if self.want.is_none() {
            let stated = |outcome: &Outcome| !outcome.as_ref().is_err_and(|error| !error.starts_with(CHECK));
            self.want = Some(self.run("interp").filter(stated));
        }
        self.want.clone().flatten()
    }
}

/// What is loaded of an execution; put it back to be used again.
pub fn take_loaded(execution: &mut Execution) -> Option<Loaded> {
    execution.loaded.take().or_else(|| Loaded::new(execution))
}

/// Runs the loops on the backends that the case names, and on the interpreter.
pub fn ask(execution: &mut Execution) -> Result<(), Finding> {
    let Some(mut loaded) = take_loaded(execution) else { return Ok(()) };
    let position = execution.trace.ran.len();
    let Some(want) = loaded.want() else { return Ok(()) };
    for &name in &execution.case.backends {
        let Some(got) = loaded.run(name) else { continue };
        if let Some(message) = differs(&want, &got) {
            return Err(finding(NAME, name, position, message));
        }
    }
    execution.loaded = Some(loaded);
    Ok(())
}

/// A finding whose kind does not depend on numbers.
pub fn finding(oracle: &'static str, stage: &str, position: usize, message: String) -> Finding {
    let mut finding = Finding::new(oracle, stage, position, message);
    if finding.fingerprint.kind.starts_with("another value") {
        finding.fingerprint.kind = "another value".into();
    }
    finding
}

/// How two calls ended differently.
pub fn differs(want: &Outcome, got: &Outcome) -> Option<String> {
    match (want, got) {
        (Ok(want), Ok(got)) => difference(want, got),
        (Err(want), Err(got)) if want == got => None,
        (want, got) => Some(format!("another end: {:?} but {:?}", want.as_ref().err(), got.as_ref().err())),
    }
}

/// How the refusals begin that the program itself states.
const CHECK: &str = "check";

/// What a failed call says, without its words: they are the interpreter's or the backend's own.
pub fn refusal(error: &CallError) -> String {
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
