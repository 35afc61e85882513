//! Contractions on several threads: independent pieces of the result, each computed as ever, so that
//! the bytes are the same for any number of threads.

use crate::contraction::{Axis, Contraction};
use crate::{WORKSPACE_BYTES, contract_with, detect, pool};

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
    let Some((place, piece)) = cut(contraction, pool::threads()) else {
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
