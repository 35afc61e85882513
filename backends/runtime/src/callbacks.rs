//! What generated code can do inside a contraction: make the elements of an operand while they are
//! packed, and finish a tile of the result while it is in the first level cache.

use crate::pack::Panel;

/// A tile of the result, complete: the element in row `i` and column `j` lies `rows[i] + columns[j]`
/// elements from `c`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Finished {
    /// The result, at the beginning of this product of the batch.
    pub c: *mut u8,
    /// Offsets of the rows.
    pub rows: *const isize,
    /// How many.
    pub row_count: usize,
    /// Offsets of the columns.
    pub columns: *const isize,
    /// How many.
    pub column_count: usize,
    /// Whether the rows lie one behind the other.
    pub contiguous: bool,
}

/// Calls into generated code; each may be missing. They run on the thread that computes, several at
/// a time if the caller computes pieces in parallel, and must not unwind.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Callbacks {
    /// Handed to each of them.
    pub context: *mut u8,
    /// Packs a panel of the first operand, whose own elements nothing else reads then.
    pub pack_a: Option<unsafe extern "C" fn(context: *mut u8, panel: *const Panel)>,
    /// The same for the second operand.
    pub pack_b: Option<unsafe extern "C" fn(context: *mut u8, panel: *const Panel)>,
    /// Finishes a tile; called once for every element of the result, when its sum is complete.
    pub epilogue: Option<unsafe extern "C" fn(context: *mut u8, tile: *const Finished)>,
}

impl Callbacks {
    /// No callbacks.
    pub const NONE: Callbacks =
        Callbacks { context: core::ptr::null_mut(), pack_a: None, pack_b: None, epilogue: None };

    /// Whether there are none.
    pub(crate) fn is_none(&self) -> bool {
        self.pack_a.is_none() && self.pack_b.is_none() && self.epilogue.is_none()
    }
}
