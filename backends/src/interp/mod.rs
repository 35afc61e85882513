//! The loop interpreter behind the interface of a backend: what every other backend must agree with.

use crate::kernel::{CallError, Code};
use crate::signature::{Lengths, with_places};
use crate::{Artifact, BackendError, EmitKind, Kernel, Signature, Target};
use tcc_ir::error::EvalError;
use tcc_ir::loops::Func;
use tcc_ir::{Array, Bindings, Ir, Native, Tensor};

/// The interpreter makes no artifacts.
pub fn emit(_: &Func, kind: EmitKind, _: &Target) -> Result<Artifact, BackendError> {
    Err(BackendError::Unsupported { backend: "interp", what: format!("emitting {}", kind.name()) })
}

/// A kernel that evaluates `func` with every operation rounded to its dtype.
pub fn load(func: &Func) -> Result<Kernel, BackendError> {
    let func = with_places(func).into_owned();
    let signature = Signature::of(&func);
    Ok(Kernel::new(signature.clone(), Box::new(Evaluated { func, signature })))
}

struct Evaluated {
    func: Func,
    signature: Signature,
}

impl Code for Evaluated {
    unsafe fn call(
        &self,
        buffers: &[*mut u8],
        lengths: &Lengths,
        sizes: &[i64],
        _: *mut u8,
    ) -> Result<i32, CallError> {
        let mut bindings = Bindings::new();
        self.signature.bind(sizes, &mut bindings)?;
        let mut inputs = Vec::new();
        for (at, parameter) in self.signature.inputs.iter().enumerate() {
            let bytes: &[u8] = match lengths.buffers[at] {
                0 => &[],
                // SAFETY: the caller promises that the input has as many readable bytes as `lengths`
                // says, and no output shares them.
                length => unsafe { std::slice::from_raw_parts(buffers[at], length) },
            };
            let shape = self.signature.shape(parameter, &bindings)?;
            let array = Array::from_bytes(parameter.dtype, &shape, bytes)
                .ok_or_else(|| CallError::TooLarge(parameter.name.to_string()))?;
            inputs.push(Tensor::<Native>::from_array(&array));
        }
        let results = match self.func.eval(&inputs, &bindings) {
            Ok(results) => results,
            Err(EvalError::Check { site, .. }) => {
                return Ok(i32::try_from(site).map_or(i32::MAX, |site| site.saturating_add(1)));
            }
            Err(error) => return Err(CallError::Eval(error)),
        };
        for (at, result) in (self.signature.inputs.len()..).zip(&results) {
            let array = result.to_array().map_err(CallError::Eval)?;
            let (given, expected) = (array.bytes().len(), lengths.buffers[at]);
            if given != expected {
                let name = format!("result {at}");
                return Err(CallError::Length { name, given, expected });
            }
            // SAFETY: as above, for writing; the copy's source is memory of our own.
            unsafe { std::ptr::copy_nonoverlapping(array.bytes().as_ptr(), buffers[at], expected) };
        }
        Ok(0)
    }
}
