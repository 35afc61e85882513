//! Packing: a block of an operand, wherever its elements lie, into the panels that tiles read.
//!
//! A panel holds, for one index of the sum after another, the elements of a tile's rows. Rows and
//! summed indices are given by tables of offsets; what is contiguous in the tables is moved in
//! vectors.

#![allow(unsafe_op_in_unsafe_fn)]

/// One panel to be packed. Offsets count elements.
pub struct Panel {
    /// The operand.
    pub from: *const u8,
    /// Offsets of the rows.
    pub rows: *const isize,
    /// How many rows there are.
    pub row_count: usize,
    /// How many rows the panel has; those that do not exist are zero.
    pub width: usize,
    /// Offsets along the sum.
    pub sum: *const isize,
    /// How many.
    pub sum_count: usize,
    /// The panel.
    pub to: *mut u8,
}

/// Whether consecutive offsets are one apart.
///
/// # Safety
/// The table has `count` offsets.
pub unsafe fn is_contiguous(table: *const isize, count: usize) -> bool {
    let first = *table;
    (1..count).all(|place| *table.add(place) == first + place as isize)
}

/// Packs one panel of elements of type `T`, of which only the size matters.
///
/// # Safety
/// All offsets lead to elements, the panel has room for `width * sum_count`.
pub unsafe fn pack<T: Copy>(panel: &Panel) {
    let (from, to) = (panel.from.cast::<T>(), panel.to.cast::<T>());
    let (rows, width) = (panel.row_count, panel.width);
    if rows < width {
        to.cast::<u8>().write_bytes(0, width * panel.sum_count * size_of::<T>());
    }
    if is_contiguous(panel.rows, rows) {
        for k in 0..panel.sum_count {
            let source = from.wrapping_offset(*panel.sum.add(k) + *panel.rows);
            core::ptr::copy_nonoverlapping(
                source.cast::<u8>(),
                to.add(k * width).cast::<u8>(),
                rows * size_of::<T>(),
            );
        }
        return;
    }
    for k in 0..panel.sum_count {
        let source = from.wrapping_offset(*panel.sum.add(k));
        let to = to.add(k * width);
        for row in 0..rows {
            to.add(row).write_unaligned(source.wrapping_offset(*panel.rows.add(row)).read_unaligned());
        }
    }
}
