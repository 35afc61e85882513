//! Kernels that generated code calls: contractions of strided tensors.
//!
//! # What a contraction means
//!
//! The bytes of a result are the same on every instruction set, for every number of threads, and in
//! every run, since the order of every sum is fixed:
//!
//! - The summed axes are one index `k`, flattened in the order given, the last axis fastest.
//! - `lanes` of 0 or 1: `k` is cut into chunks of [`CHUNK`]. A chunk is one chain of fused
//!   multiply-adds in order of `k` that starts at +0. The sums of the chunks are added in order; the
//!   first one is stored, or added to what the result holds if the contraction accumulates.
//! - More lanes: element `k` goes to lane `k mod lanes`; a lane is one chain over the whole sum,
//!   starting at +0; then lane `i` becomes lane `i` plus lane `i + lanes/2`, for half as many lanes
//!   each time. The last lane left is stored or added.
//! - Complex numbers: a step of a chain is four multiply-adds, `re += a.re b.re`, `re += -a.im b.im`,
//!   `im += a.re b.im`, `im += a.im b.re`.
//! - Integers wrap. A sum of nothing is zero; accumulated, it leaves the result alone.
//!
//! [`reference()`] spells this out in scalar code. (Which NaN results is open, as everywhere.)
//!
//! # How it is computed
//!
//! `plan` sorts axes by role; `direct` reads small products where they lie; `batched` puts a contiguous
//! batch into vectors, `quads` several rows of four; `gemv` streams a matrix through strips of sums; `lanes`
//! deals sums to lanes; `gemm` packs blocks of everything else. All of them call kernels of a `table`, one
//! per instruction set and element type, which are written once over the `Vector` trait. Results that no
//! cache holds are written past the caches.
//!
//! # Without `std`
//!
//! Without the default feature `std` there is no allocation and there are no threads: all memory is the
//! caller's workspace. As a static library for C programs:
//!
//! ```text
//! cargo rustc -p tcc-runtime --release --no-default-features --features staticlib \
//!     --crate-type staticlib -- -C panic=abort
//! ```

#![cfg_attr(not(feature = "std"), no_std)]

mod batched;
mod callbacks;
mod contraction;
mod detect;
mod direct;
mod element;
pub mod fma;
mod gemm;
mod gemv;
mod kernel;
mod lanes;
mod pack;
#[cfg(feature = "std")]
mod parallel;
mod permute;
mod plan;
#[cfg(feature = "std")]
pub mod pool;
mod quads;
mod reference;
mod shape;
mod table;
mod tiles;
mod vector;

pub use callbacks::{Callbacks, Finished};
pub use contraction::{Axis, CHUNK, Contraction, MAX_AXES, MAX_LANES};
pub use detect::{InstructionSet, detect};
pub use element::{Complex, Element, ElementType};
pub use pack::Panel;
#[cfg(feature = "std")]
pub use parallel::{Iterations, contract_parallel, parallel_loop};
pub use permute::{MoveAxis, permute_with, tcc_permute};
pub use reference::reference;

/// Bytes of working memory that suffice for every contraction.
pub const WORKSPACE_BYTES: usize = gemm::WORKSPACE_BYTES;

/// Bytes of working memory that suffice for `contraction`: [`WORKSPACE_BYTES`], whatever it is, since
/// blocks have a fixed size.
pub const fn workspace_bytes(_contraction: &Contraction) -> usize {
    WORKSPACE_BYTES
}

/// [`WORKSPACE_BYTES`] for C.
#[unsafe(no_mangle)]
pub extern "C" fn tcc_workspace_bytes() -> u64 {
    WORKSPACE_BYTES as u64
}

/// Computes a contraction. See [`contract_with`].
///
/// # Safety
/// As [`contract_with`]; `contraction` points to a description.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcc_contract(
    contraction: *const Contraction,
    a: *const u8,
    b: *const u8,
    c: *mut u8,
    workspace: *mut u8,
) {
    // SAFETY: the caller's promise; the processor has what was detected.
    unsafe { contract_with(detect(), &*contraction, a, b, c, workspace) }
}

/// Computes a contraction with calls into generated code. See [`contract_fused`].
///
/// # Safety
/// As [`contract_fused`]; `contraction` and `callbacks` point to what they should.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcc_contract_fused(
    contraction: *const Contraction,
    callbacks: *const Callbacks,
    a: *const u8,
    b: *const u8,
    c: *mut u8,
    workspace: *mut u8,
) {
    // SAFETY: the caller's promise; the processor has what was detected.
    unsafe { contract_fused(detect(), &*contraction, &*callbacks, a, b, c, workspace) }
}

/// Computes a contraction with the kernels of `set`. A description that is not valid (an unknown
/// element type, a number of lanes that is no power of two) computes nothing.
///
/// # Safety
/// - The processor runs `set`.
/// - `a`, `b` and `c` are valid at every offset that the axes reach; `c` overlaps neither operand.
/// - `workspace` has [`WORKSPACE_BYTES`] that nothing else uses during the call.
pub unsafe fn contract_with(
    set: InstructionSet,
    contraction: &Contraction,
    a: *const u8,
    b: *const u8,
    c: *mut u8,
    workspace: *mut u8,
) {
    // SAFETY: the caller's promise.
    unsafe { contract_fused(set, contraction, &Callbacks::NONE, a, b, c, workspace) }
}

/// Computes a contraction, calling `callbacks` on the way. They need chunks: with more lanes than
/// one, a description that has callbacks is not valid either, and computes nothing.
///
/// # Safety
/// As [`contract_with`], but an operand whose panels are packed by a callback is never read. The
/// callbacks do what [`Callbacks`] says, and nothing else to the operands, result and workspace.
pub unsafe fn contract_fused(
    set: InstructionSet,
    contraction: &Contraction,
    callbacks: &Callbacks,
    a: *const u8,
    b: *const u8,
    c: *mut u8,
    workspace: *mut u8,
) {
    if !contraction.is_valid() || contraction.lanes > 1 && !callbacks.is_none() {
        return;
    }
    // SAFETY: the caller's promise.
    if contraction.lanes <= 1 && callbacks.is_none() && unsafe { direct::matrix(set, contraction, (a, b, c)) }
    {
        return;
    }
    let mut plan = plan::Plan::new();
    if !plan::plan(contraction, &mut plan) {
        return;
    }
    let bytes = contraction.dtype.bytes();
    let at = |offset: isize| offset * bytes as isize;
    let c = c.wrapping_offset(at(plan.start.c));
    let accumulate = contraction.accumulate != 0;
    if plan.empty_sum {
        // SAFETY: the free axes reach valid elements of the result.
        return unsafe {
            gemm::clear([&plan.m, &plan.n, &plan.batch], bytes, c, accumulate, callbacks);
        };
    }
    let (x, y) = if plan.swapped { (b, a) } else { (a, b) };
    let (x, y) = (x.wrapping_offset(at(plan.start.x)), y.wrapping_offset(at(plan.start.y)));
    let Some(kernels) = table::kernels(set, contraction.dtype, plan.swapped) else { return };
    if contraction.lanes > 1 {
        let how = (contraction.lanes as usize, accumulate);
        // SAFETY: the caller's promise.
        return unsafe { lanes::run(&plan, kernels, (x, y, c), how, workspace) };
    }
    if callbacks.is_none()
        && !plan.batch.is_empty()
        && let Some(place) = batched::contiguous_batch(&plan, kernels)
    {
        // SAFETY: the caller's promise.
        return unsafe { batched::run(&plan, place, kernels, (x, y, c), accumulate, workspace) };
    }
    if callbacks.is_none()
        && let Some(direct) = direct::direct(&plan, kernels)
    {
        // SAFETY: the caller's promise.
        return unsafe { direct::run(&direct, &plan, kernels, (x, y, c), accumulate) };
    }
    // SAFETY: the caller's promise.
    unsafe { gemm::gemm(&mut plan, kernels, (x, y, c), (accumulate, callbacks), workspace) }
}

/// What the compiled core library refers to, although nothing unwinds.
#[cfg(all(feature = "staticlib", not(feature = "std"), not(test)))]
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// Nothing here panics on any input; should it happen nevertheless, the program ends.
#[cfg(all(feature = "staticlib", not(feature = "std"), not(test)))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    unsafe extern "C" {
        fn abort() -> !;
    }
    // SAFETY: the C library's `abort` takes nothing and does not return.
    unsafe { abort() }
}
