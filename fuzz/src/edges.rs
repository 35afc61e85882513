//! Edges of the compiler's own code that ran, where it was compiled with counters (see the feature `edges`).
//!
//! Every instrumented module hands over its counters before `main`; there is one byte for each edge, which the
//! code increments.

use std::sync::{Mutex, PoisonError};

/// A module's counters: the address of the first, and how many.
static MODULES: Mutex<Vec<(usize, usize)>> = Mutex::new(Vec::new());

/// Called by every instrumented module before `main`, with the ends of its counters.
///
/// # Safety
/// Called by the constructors that the instrumentation makes, and by nobody else.
// SAFETY: the name is the one that the instrumentation calls, and nothing else in the program has it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __sanitizer_cov_8bit_counters_init(start: *mut u8, stop: *mut u8) {
    let (start, count) = (start as usize, (stop as usize).saturating_sub(start as usize));
    let mut modules = MODULES.lock().unwrap_or_else(PoisonError::into_inner);
    if count > 0 && !modules.contains(&(start, count)) {
        modules.push((start, count));
    }
}

/// Called by every instrumented module with a table of addresses, which nobody needs here.
// SAFETY: as above.
#[unsafe(no_mangle)]
pub extern "C" fn __sanitizer_cov_pcs_init(_: *const usize, _: *const usize) {}

/// The edges that ran since the last call, each with how often (up to 255, wrapping), and forgets them.
pub fn take() -> Vec<(u32, u8)> {
    let modules = MODULES.lock().unwrap_or_else(PoisonError::into_inner);
    let (mut ran, mut first) = (Vec::new(), 0u32);
    for &(start, count) in modules.iter() {
        // SAFETY: the module promised so many bytes, which live as long as the program. Code that increments
        // them at the same time in another thread may lose a count, which does no harm.
        let counters = unsafe { std::slice::from_raw_parts_mut(start as *mut u8, count) };
        for (at, counter) in counters.iter_mut().enumerate().filter(|(_, counter)| **counter != 0) {
            ran.push((first + at as u32, *counter));
            *counter = 0;
        }
        first += count as u32;
    }
    ran
}
