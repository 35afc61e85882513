//! Contractions and loops on several threads: independent pieces of the result, each computed as ever, so
//! that the bytes are the same for any number of threads.

use crate::contraction::{Axis, Contraction};
use crate::{WORKSPACE_BYTES, contract_with, detect, pool};
use std::sync::atomic::{AtomicU64, Ordering};

/// Below so many multiply-adds a piece is not worth waking a thread for.
const PIECE: u128 = 1 << 20;

/// The rows that every tile divides; pieces of the axis that is contiguous in the result end there.
const ROWS: i64 = 192;

/// Which axis to cut, and into how many pieces of how many indices.
fn cut(contraction: &Contraction, threads: usize) -> Option<(usize, i64)> {
    let axes = contraction.axes();
    let work = axes.iter().fold(1_u128, |work, axis| work.saturating_mul(axis.extent.max(0) as u128));
    let wanted = (work / PIECE).min(2 * threads as u128) as i64;
    if wanted < 2 || threads < 2 {
        return None;
    }
    let size = |of: fn(&Axis) -> bool| {
        axes.iter()
            .filter(|axis| axis.c != 0 && of(axis))
            .fold(1_i64, |size, axis| size.saturating_mul(axis.extent))
    };
    let (rows, columns) = (size(|axis| axis.b == 0), size(|axis| axis.a == 0));
    // Every piece packs the operand that does not have the axis: cut the longer side. An axis of both
    // operands costs nothing twice.
    let worth = |axis: &Axis| {
        let side = match (axis.a != 0, axis.b != 0) {
            (true, true) => i64::MAX,
            (false, true) => columns,
            _ => rows,
        };
        (axis.extent.min(wanted), side, axis.c.unsigned_abs())
    };
    let place = (0..axes.len())
        .filter(|&place| axes[place].c != 0 && axes[place].extent > 1)
        .max_by_key(|&place| worth(&axes[place]))?;
    let axis = &axes[place];
    let mut piece = (axis.extent + wanted - 1) / wanted;
    if axis.c.unsigned_abs() == 1 && axis.extent >= 2 * ROWS {
        piece = (piece + ROWS - 1) / ROWS * ROWS;
    }
    Some((place, piece))
}

/// Computes a contraction on the threads of the pool if it is large enough, else here.
///
/// # Safety
/// As [`contract_with`], but for the workspace, which is the threads' own.
pub unsafe fn contract_parallel(contraction: &Contraction, a: *const u8, b: *const u8, c: *mut u8) {
    let set = detect();
    let threads = if pool::is_inside() { 1 } else { pool::threads() };
    let Some((place, piece)) = cut(contraction, threads) else {
        // SAFETY: the caller's promise; the workspace is this thread's.
        return pool::with_workspace(WORKSPACE_BYTES, |workspace| unsafe {
            contract_with(set, contraction, a, b, c, workspace);
        });
    };
    /// Operands that threads share: they read two of them, and write disjoint parts of the third.
    #[derive(Clone, Copy)]
    struct Operands(*const u8, *const u8, *mut u8);
    // SAFETY: as the type says.
    unsafe impl Sync for Operands {}
    let operands = Operands(a, b, c);
    let axis = contraction.axes[place];
    let count = (axis.extent + piece - 1) / piece;
    let bytes = contraction.dtype.bytes() as i64;
    pool::parallel_for(count as usize, &|number| {
        let operands = &operands;
        let start = number as i64 * piece;
        let mut part = *contraction;
        part.axes[place].extent = piece.min(axis.extent - start);
        let at = |stride: i64| (start * stride * bytes) as isize;
        pool::with_workspace(WORKSPACE_BYTES, |workspace| {
            // SAFETY: a piece reaches what the whole reaches; pieces of a free axis write apart.
            unsafe {
                contract_with(
                    set,
                    &part,
                    operands.0.wrapping_offset(at(axis.a)),
                    operands.1.wrapping_offset(at(axis.b)),
                    operands.2.wrapping_offset(at(axis.c)),
                    workspace,
                );
            }
        });
    });
}

/// Iterations of a parallel loop, from one to before another: `(context, first, end, private) -> status`.
pub type Iterations = unsafe extern "C" fn(*const u8, i64, i64, *mut u8) -> i32;

/// Pieces of a loop that are handed out one by one, at most.
const PIECES: usize = 256;

/// Runs the iterations of a loop below `count` on the threads of the pool. Each thread has memory of its own:
/// this one `private`, the others as many bytes. The result is 0, or what the first of the iterations (in
/// order) has returned that did not return 0.
///
/// # Safety
/// `body` may be called with `context` by several threads at the same time, each with its own numbers below
/// `count` and memory of `private_bytes` bytes, such as `private` is.
pub unsafe extern "C" fn parallel_loop(
    body: Iterations,
    context: *const u8,
    count: i64,
    private: *mut u8,
    private_bytes: i64,
) -> i32 {
    if count <= 0 {
        return 0;
    }
    // SAFETY: the caller's promise; one thread does everything.
    let here = || unsafe { body(context, 0, count, private) };
    let threads = if pool::is_inside() { 1 } else { pool::threads() };
    let threads = threads.min(usize::try_from(count).unwrap_or(usize::MAX));
    if threads <= 1 {
        return here();
    }
    /// What threads share: they write disjoint parts of what it leads to.
    #[derive(Clone, Copy)]
    struct Shared(*const u8, *mut u8, *mut u8);
    // SAFETY: as the type says.
    unsafe impl Sync for Shared {}
    let lines = usize::try_from(private_bytes).unwrap_or(0).div_ceil(64);
    let done = pool::with_memory(lines.saturating_mul(threads - 1), |others| {
        let shared = Shared(context, private, others);
        let piece = (count as usize).div_ceil(PIECES);
        // The number of the first piece that failed, and its status.
        let failed = AtomicU64::new(u64::MAX);
        pool::with_seats(threads, (count as usize).div_ceil(piece), &|seat, number| {
            let shared = &shared;
            let Shared(context, private, others) = *shared;
            if failed.load(Ordering::Relaxed) >> 32 < number as u64 {
                return;
            }
            let memory = match seat {
                0 => private,
                seat => others.wrapping_add((seat - 1) * lines * 64),
            };
            let (first, end) = ((number * piece) as i64, ((number + 1) * piece).min(count as usize) as i64);
            // SAFETY: the caller's promise; no two threads have the same number or seat.
            let status = unsafe { body(context, first, end, memory) };
            if status != 0 {
                failed.fetch_min((number as u64) << 32 | u64::from(status as u32), Ordering::Relaxed);
            }
        });
        match failed.into_inner() {
            u64::MAX => 0,
            failed => failed as u32 as i32,
        }
    });
    done.unwrap_or_else(here)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes twice its number, by way of the private memory; 77 fails, and so does 30.
    unsafe extern "C" fn double(context: *const u8, first: i64, end: i64, private: *mut u8) -> i32 {
        for number in first..end {
            // SAFETY: the context is the start of 1000 numbers, and the private memory has room for one.
            unsafe {
                private.cast::<i64>().write(number);
                context.cast_mut().cast::<i64>().add(number as usize).write(2 * *private.cast::<i64>());
            }
            if number == 77 || number == 30 {
                return number as i32;
            }
        }
        0
    }

    #[test]
    fn loops_run_every_iteration_and_tell_the_first_failure() {
        for threads in [1, 2, 3, 0] {
            pool::set_threads(threads);
            let (mut numbers, mut private) = (vec![0_i64; 1000], [0_i64]);
            let mut run = |count| {
                let context = numbers.as_mut_ptr().cast::<u8>().cast_const();
                // SAFETY: as `double` says.
                unsafe { parallel_loop(double, context, count, private.as_mut_ptr().cast(), 8) }
            };
            assert_eq!((run(0), run(30)), (0, 0));
            assert_eq!(run(1000), 30);
            assert!((0..30).all(|number| numbers[number] == 2 * number as i64));
        }
    }
}
