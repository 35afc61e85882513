//! Machine code in this process.

use super::emit::{Emitter, signature};
use super::{codegen, compile, isa};
use crate::kernel::{CallError, Code, Kernel};
use crate::signature::{Lengths, Signature, with_places};
use crate::tables;
use crate::{BackendError, Target};
use cranelift::codegen::ir::{InstBuilder, UserFuncName, types};
use cranelift::frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift::jit::{JITBuilder, JITModule};
use cranelift::module::{Linkage, Module, default_libcall_names};
use std::sync::Mutex;
use tcc_ir::loops::{BufferId, Func};

/// The C ABI of generated code.
type Entry = unsafe extern "C" fn(*const *mut u8, *const i64, *mut u8) -> i32;

/// Code and tables of one kernel; frees them when dropped.
struct Compiled {
    entry: Entry,
    /// Owns the code; `None` only while it is being dropped.
    module: Mutex<Option<JITModule>>,
    /// The elements of the tables, to which the code holds pointers.
    _tables: Vec<Vec<u64>>,
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

/// Compiles `func` for this machine.
pub fn load(func: &Func) -> Result<Kernel, BackendError> {
    let func = &*with_places(func);
    let mut module = JITModule::new(JITBuilder::with_isa(isa(true, false)?, default_libcall_names()));
    let config = module.target_config();
    let mut context = module.make_context();
    context.func.signature = signature(config);
    context.func.name = UserFuncName::user(0, 0);
    let mut tables = Vec::new();
    let mut address = |b: &mut FunctionBuilder, id: BufferId| {
        let bytes = tables::bytes(func.buffer(id))?;
        let mut words = vec![0u64; bytes.len().div_ceil(8)];
        for (word, chunk) in words.iter_mut().zip(bytes.chunks(8)) {
            let mut padded = [0; 8];
            padded[..chunk.len()].copy_from_slice(chunk);
            *word = u64::from_ne_bytes(padded);
        }
        let start = words.as_ptr() as i64;
        tables.push(words);
        Ok(b.ins().iconst(types::I64, start))
    };
    let mut builder_context = FunctionBuilderContext::new();
    let builder = FunctionBuilder::new(&mut context.func, &mut builder_context);
    Emitter::emit(func, builder, &mut address, config)?;
    let symbol = Target::default().symbol(func);
    let id = module
        .declare_function(&symbol, Linkage::Export, &context.func.signature)
        .map_err(|error| codegen(error.to_string()))?;
    compile(&mut module, id, &mut context)?;
    module.finalize_definitions().map_err(|error| codegen(error.to_string()))?;
    let code = module.get_finalized_function(id);
    // SAFETY: the function was compiled with the signature of `Entry` in the calling convention of
    // this platform, and stays at its place until `Compiled` is dropped.
    let entry = unsafe { std::mem::transmute::<*const u8, Entry>(code) };
    let compiled = Compiled { entry, module: Mutex::new(Some(module)), _tables: tables };
    Ok(Kernel::new(Signature::of(func), Box::new(compiled)))
}
