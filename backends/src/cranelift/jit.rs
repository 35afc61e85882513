//! Machine code in this process.

use super::wide::Vectors;
use super::{codegen, contract, isa, parts};
use crate::kernel::{CallError, Code, Kernel};
use crate::signature::{Lengths, Signature, with_places};
use crate::tables;
use crate::{BackendError, Target};
use cranelift::codegen::ir::{InstBuilder, types};
use cranelift::frontend::FunctionBuilder;
use cranelift::jit::{JITBuilder, JITModule};
use cranelift::module::default_libcall_names;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Mutex;
use tcc_ir::loops::{BufferId, Func};

/// The C ABI of generated code.
type Call = unsafe extern "C" fn(*const *mut u8, *const i64, *mut u8) -> i32;

/// Code and tables of one kernel; frees them when dropped.
struct Compiled {
    entry: Call,
    /// Owns the code; `None` only while it is being dropped.
    module: Mutex<Option<JITModule>>,
    /// The elements of the tables, to which the code holds pointers.
    _tables: BTreeMap<BufferId, Vec<u64>>,
}

impl Code for Compiled {
    unsafe fn call(
        &self,
        buffers: &[*mut u8],
        _: &Lengths,
        sizes: &[i64],
        arena: *mut u8,
    ) -> Result<i32, CallError> {
        // SAFETY: the caller promises that the buffers, sizes and arena are what the function was
        // compiled for, and `self` keeps the code and its tables alive.
        Ok(unsafe { (self.entry)(buffers.as_ptr(), sizes.as_ptr(), arena) })
    }
}

impl Drop for Compiled {
    fn drop(&mut self) {
        let module = self.module.get_mut().map(Option::take).unwrap_or_default();
        if let Some(module) = module {
            // SAFETY: `entry` is only reachable through `self`, which nobody uses any more.
            unsafe { module.free_memory() };
        }
    }
}

/// Bytes as whole words, so that every element is aligned.
fn words(bytes: &[u8]) -> Vec<u64> {
    let word = |chunk: &[u8]| {
        let mut padded = [0; 8];
        padded[..chunk.len()].copy_from_slice(chunk);
        u64::from_ne_bytes(padded)
    };
    bytes.chunks(8).map(word).collect()
}

/// Compiles `func` for this machine.
pub fn load(func: &Func) -> Result<Kernel, BackendError> {
    load_with(func, Vectors::detect())
}

/// Compiles `func` for this machine with vectors that the machine must have: the results are the same
/// bytes with all of them, which is what tests ask.
#[doc(hidden)]
pub fn load_with(func: &Func, vectors: Vectors) -> Result<Kernel, BackendError> {
    let func = &*with_places(func);
    let mut builder = JITBuilder::with_isa(isa(true, false)?, default_libcall_names());
    builder.symbol(contract::SYMBOL, tcc_runtime::tcc_contract as *const u8);
    let mut module = JITModule::new(builder);
    let mut tables: BTreeMap<BufferId, Vec<u64>> = BTreeMap::new();
    let mut address = |_: &mut JITModule, b: &mut FunctionBuilder, id: BufferId| {
        let words = match tables.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(words(&tables::bytes(func.buffer(id))?)),
        };
        Ok(b.ins().iconst(types::I64, words.as_ptr() as i64))
    };
    let symbol = Target::default().symbol(func);
    let id = parts::define(func, &mut module, &symbol, vectors, &mut address, &mut parts::compiled)?;
    module.finalize_definitions().map_err(|error| codegen(error.to_string()))?;
    let code = module.get_finalized_function(id);
    // SAFETY: the function was compiled with the signature of `Call` in the calling convention of
    // this platform, and stays at its place until `Compiled` is dropped.
    let entry = unsafe { std::mem::transmute::<*const u8, Call>(code) };
    let compiled = Compiled { entry, module: Mutex::new(Some(module)), _tables: tables };
    Ok(Kernel::new(Signature::of(func), Box::new(compiled)))
}
