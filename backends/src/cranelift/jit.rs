//! Machine code in this process: an image in pages that are written first and executed then.

use super::image::{make_image, make_image_with};
use super::wide::Vectors;
use super::{codegen, contract, copy, threads, unsupported};
use crate::BackendError;
use crate::image::Image;
use crate::kernel::{CallError, Code, Kernel};
use crate::signature::Lengths;
use region::{Allocation, Protection};
use tcc_ir::loops::Func;
use tcc_runtime::Contraction;

/// The C ABI of generated code.
type Call = unsafe extern "C" fn(*const *mut u8, *const i64, *mut u8) -> i32;

/// The functions that generated code may call, by the names under which it imports them, with their
/// addresses.
pub type Functions<'a> = &'a [(&'a str, usize)];

/// The functions of the runtime.
fn runtime() -> [(&'static str, usize); 3] {
    [
        (contract::SYMBOL, contract_on_threads as *const () as usize),
        (copy::SYMBOL, tcc_runtime::tcc_permute as *const () as usize),
        (threads::SYMBOL, tcc_runtime::parallel_loop as *const () as usize),
    ]
}

/// A contraction on the threads of the pool, if there are several; the bytes are the same.
///
/// # Safety
/// As for [`tcc_runtime::tcc_contract`].
unsafe extern "C" fn contract_on_threads(
    contraction: *const Contraction,
    a: *const u8,
    b: *const u8,
    c: *mut u8,
    workspace: *mut u8,
) {
    if tcc_runtime::pool::threads() > 1 || tcc_runtime::pool::is_inside() {
        // The working memory of the call is not this thread's alone.
        // SAFETY: generated code describes operands that it may read and a result that it may write.
        unsafe { tcc_runtime::contract_parallel(&*contraction, a, b, c) }
    } else {
        // SAFETY: as above, and the working memory is that of this call.
        unsafe { tcc_runtime::tcc_contract(contraction, a, b, c, workspace) }
    }
}

/// Code and tables of one kernel; frees them when dropped.
struct Loaded {
    entry: Call,
    /// The pages, which can be executed and no longer be written.
    _pages: Allocation,
}

// SAFETY: the pages are never written again, so that any thread may execute and read them; freeing
// them on another thread than the one that got them is fine.
unsafe impl Send for Loaded {}
// SAFETY: as above.
unsafe impl Sync for Loaded {}

impl Code for Loaded {
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

/// Compiles `func` for this machine.
pub fn load(func: &Func) -> Result<Kernel, BackendError> {
    load_image(&make_image(func)?)
}

/// Compiles `func` for this machine with vectors that the machine must have: the results are the same
/// bytes with all of them, which is what tests ask.
#[doc(hidden)]
pub fn load_with(func: &Func, vectors: Vectors) -> Result<Kernel, BackendError> {
    load_image(&make_image_with(func, vectors)?)
}

/// Makes code runnable that [`make_image`] made, here or in another process on such a machine.
pub fn load_image(image: &Image) -> Result<Kernel, BackendError> {
    load_calling(image, &runtime())
}

/// The same for code that calls `functions`.
pub(super) fn load_calling(image: &Image, functions: Functions<'_>) -> Result<Kernel, BackendError> {
    let mut code = image.code.clone();
    for import in &image.imports {
        let found = functions.iter().find(|(name, _)| *name == import.name);
        let (_, address) = found.ok_or_else(|| unsupported(format!("a call of `{}`", import.name)))?;
        let at = import.at as usize;
        let field = code.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<8>());
        let value = (*address as u64).wrapping_add_signed(import.addend);
        *field.ok_or_else(|| codegen("an import lies outside of its code".into()))? = value.to_le_bytes();
    }
    let entry = image.entry as usize;
    if entry >= code.len() {
        return Err(codegen("the entry lies outside of its code".into()));
    }
    let failed = |error: region::Error| codegen(format!("no memory for code: {error}"));
    let mut pages = region::alloc(code.len(), Protection::READ_WRITE).map_err(failed)?;
    let start: *mut u8 = pages.as_mut_ptr();
    // SAFETY: the pages are at least as long as the code, may be written, and are ours alone.
    unsafe { std::ptr::copy_nonoverlapping(code.as_ptr(), start, code.len()) };
    // SAFETY: the pages belong to `pages` alone, and nobody holds a reference into them.
    unsafe { region::protect(start, pages.len(), Protection::READ_EXECUTE) }.map_err(failed)?;
    make_visible(start, pages.len())?;
    // SAFETY: the function was compiled with the signature of `Call` in the calling convention of
    // this platform, and stays at its place until `Loaded` is dropped.
    let entry = unsafe { std::mem::transmute::<*const u8, Call>(start.add(entry)) };
    Ok(Kernel::new(image.signature.clone(), Box::new(Loaded { entry, _pages: pages })))
}

/// Makes every core see what was written as instructions, where the hardware does not by itself.
#[cfg(target_arch = "aarch64")]
fn make_visible(start: *const u8, length: usize) -> Result<(), BackendError> {
    use wasmtime_internal_jit_icache_coherence as coherence;
    let failed = |error: std::io::Error| codegen(format!("cannot clear the instruction cache: {error}"));
    // SAFETY: the range is mapped, and the pipelines are flushed next.
    unsafe { coherence::clear_cache(start.cast(), length) }.map_err(failed)?;
    coherence::pipeline_flush_mt().map_err(failed)
}

/// Here the hardware does.
#[cfg(not(target_arch = "aarch64"))]
fn make_visible(_: *const u8, _: usize) -> Result<(), BackendError> {
    Ok(())
}
