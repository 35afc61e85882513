//! The root of `libtcc_runtime.a`, which is linked with emitted objects: the kernel library without the
//! standard library. `backends/build.rs` compiles it.

#![no_std]

pub use tcc_runtime::{tcc_contract, tcc_permute};

unsafe extern "C" {
    fn abort() -> !;
}

/// A failed check of the library itself is a bug; a C program has no other way to hear of it.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: `abort` of the C library may be called at any time.
    unsafe { abort() }
}
