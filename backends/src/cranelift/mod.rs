//! Machine code by Cranelift.
//!
//! The code of a `Func` is one function without calls and without instructions that trap. Cranelift
//! has no loop optimiser: vectors, unrolling and registers come from the loop IR, and addresses are
//! taken apart here ([`address`]).

mod address;
mod contract;
mod copy;
mod emit;
mod entry;
mod half;
mod image;
mod jit;
mod memory;
mod object;
mod outline;
mod parts;
mod promote;
mod scalar;
mod threads;
mod types;
mod vector;
mod wide;

pub use image::{generations, make_image, target};
pub use jit::{load, load_image, load_with};
pub use object::emit;
pub use wide::Vectors;

use crate::BackendError;
use cranelift::codegen::Context;
use cranelift::codegen::isa::OwnedTargetIsa;
use cranelift::codegen::settings::{self, Configurable};
use cranelift::module::{FuncId, Module};

/// What every machine of the architecture since 2013 has, if the code is not for this machine only.
const BASELINE: &[&str] =
    &["has_sse3", "has_ssse3", "has_sse41", "has_sse42", "has_popcnt", "has_avx", "has_fma"];

/// The instruction set of this machine, or the baseline of its architecture.
fn isa(native: bool, position_independent: bool) -> Result<OwnedTargetIsa, BackendError> {
    let failed = |error: &dyn std::fmt::Display| codegen(error.to_string());
    let mut flags = settings::builder();
    let pic = if position_independent { "true" } else { "false" };
    let verifier = if cfg!(debug_assertions) { "true" } else { "false" };
    for (name, value) in [
        ("opt_level", "speed"),
        ("enable_verifier", verifier),
        ("use_colocated_libcalls", "false"),
        ("is_pic", pic),
    ] {
        flags.set(name, value).map_err(|error| failed(&error))?;
    }
    let flags = settings::Flags::new(flags);
    let mut builder = cranelift::native::builder_with_options(native).map_err(|error| failed(&error))?;
    if !native && cfg!(target_arch = "x86_64") {
        for feature in BASELINE {
            builder.enable(feature).map_err(|error| failed(&error))?;
        }
    }
    builder.finish(flags).map_err(|error| failed(&error))
}

/// Compiles a built function into its module.
fn compile(module: &mut impl Module, id: FuncId, context: &mut Context) -> Result<(), BackendError> {
    module.define_function(id, context).map_err(|error| codegen(format!("{error:?}")))
}

fn codegen(message: String) -> BackendError {
    BackendError::Codegen { backend: "cranelift", message }
}

fn unsupported(what: impl Into<String>) -> BackendError {
    BackendError::Unsupported { backend: "cranelift", what: what.into() }
}
