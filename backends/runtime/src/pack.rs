//! Packing: a block of an operand, wherever its elements lie, into the panels that tiles read.
//!
//! A panel holds, for one index of the sum after another, the elements of a tile's rows. Rows and
//! summed indices are given by tables of offsets; what is contiguous in the tables is moved in
//! vectors: along the rows as it is, along the sum through transposes in registers.

// The contract of every function here is that of the panel's fields.
#![allow(unsafe_op_in_unsafe_fn)]

use crate::vector::{Machine, Task, Vector};
use core::marker::PhantomData;

/// One panel to be packed: `to[k * width + row]` is the element of the operand at `from`, moved by
/// `rows[row] + sum[k]` elements.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Panel {
    /// The operand.
    pub from: *const u8,
    /// Offsets of the rows.
    pub rows: *const isize,
    /// How many rows there are.
    pub row_count: usize,
    /// How many rows the panel has room for; nobody reads those that do not exist.
    pub width: usize,
    /// Offsets along the sum.
    pub sum: *const isize,
    /// How many.
    pub sum_count: usize,
    /// The panel; all of `width * sum_count` elements may be written.
    pub to: *mut u8,
}

/// A function that packs a panel.
pub type PackFn = unsafe fn(&Panel);

/// Whether consecutive offsets are one apart.
unsafe fn is_contiguous(table: *const isize, count: usize) -> bool {
    let first = *table;
    (1..count).all(|place| *table.add(place) == first + place as isize)
}

/// How many consecutive offsets from the first on are one apart.
unsafe fn run_length(table: *const isize, count: usize) -> usize {
    let mut run = 1;
    while run < count && *table.add(run) == *table + run as isize {
        run += 1;
    }
    run
}

/// Packs a panel; `V` moves `UNITS` to an element.
pub struct PackTask<'a, M, V, const UNITS: usize>(pub &'a Panel, pub PhantomData<(M, V)>);

impl<M: Machine, V: Vector + Transpose, const UNITS: usize> Task for PackTask<'_, M, V, UNITS> {
    #[inline(always)]
    unsafe fn run(&self) {
        let panel = self.0;
        let rows = panel.row_count;
        if is_contiguous(panel.rows, rows) {
            copy_rows::<V, UNITS>(panel, 0, rows);
            return;
        }
        // Rows in runs that are worth a vector each.
        let first = run_length(panel.rows, rows);
        if first > 1 && first >= V::SIDE || UNITS > 1 {
            let mut row = 0;
            while row < rows {
                let run = run_length(panel.rows.add(row), rows - row);
                copy_rows::<V, UNITS>(panel, row, run);
                row += run;
            }
            return;
        }
        let mut k = 0;
        while k < panel.sum_count {
            let run = run_length(panel.sum.add(k), panel.sum_count - k);
            if run >= 4 && V::SIDE > 1 {
                transpose_run::<V>(panel, k, run);
            } else {
                gather::<V>(panel, k, run);
            }
            k += run;
        }
    }
}

/// Panels that are packed together: the operand is contiguous from one to the next.
pub struct Plane {
    /// The first panel.
    pub panel: Panel,
    /// How many there are, a multiple of the side of a transpose.
    pub count: usize,
    /// How far apart they are, in elements.
    pub apart: usize,
}

/// A function that packs panels together.
pub type PlaneFn = unsafe fn(&Plane);

/// Packs panels together, by transposes of rows by panels.
pub struct PlaneTask<'a, M, V>(pub &'a Plane, pub PhantomData<(M, V)>);

impl<M: Machine, V: Transpose> Task for PlaneTask<'_, M, V> {
    #[inline(always)]
    unsafe fn run(&self) {
        let Plane { panel, count, apart } = self.0;
        let from = panel.from.cast::<V::Element>();
        let to = panel.to.cast::<V::Element>();
        let source = |row: usize| from.wrapping_offset(*panel.rows.add(row));
        let mut row = 0;
        while row + V::WIDE <= panel.row_count {
            let sources: [*const V::Element; 16] =
                core::array::from_fn(|place| source(row + place.min(V::WIDE - 1)));
            for k in 0..panel.sum_count {
                let (at, to) = (*panel.sum.add(k), to.add(k * panel.width + row));
                for place in (0..*count).step_by(V::SIDE) {
                    V::transpose_wide(&sources, at + place as isize, to.add(place * apart), *apart);
                }
            }
            row += V::WIDE;
        }
        while row + V::SIDE <= panel.row_count {
            let sources: [*const V::Element; 4] =
                core::array::from_fn(|place| source(row + place.min(V::SIDE - 1)));
            for k in 0..panel.sum_count {
                let (at, to) = (*panel.sum.add(k), to.add(k * panel.width + row));
                for place in (0..*count).step_by(V::SIDE) {
                    V::transpose(&sources, at + place as isize, to.add(place * apart), *apart);
                }
            }
            row += V::SIDE;
        }
        for row in row..panel.row_count {
            for k in 0..panel.sum_count {
                let from = source(row).wrapping_offset(*panel.sum.add(k));
                for place in 0..*count {
                    to.add(k * panel.width + row + place * apart)
                        .write_unaligned(from.add(place).read_unaligned());
                }
            }
        }
    }
}

/// Moves `count` contiguous rows of every summed index.
#[inline(always)]
unsafe fn copy_rows<V: Vector, const UNITS: usize>(panel: &Panel, row: usize, count: usize) {
    let units = count * UNITS;
    let from = panel.from.cast::<V::Element>().wrapping_offset(*panel.rows.add(row) * UNITS as isize);
    let to = panel.to.cast::<V::Element>().add(row * UNITS);
    let width = panel.width * UNITS;
    let source = |k: usize| from.wrapping_offset(*panel.sum.add(k) * UNITS as isize);
    match units * size_of::<V::Element>() {
        16 => return copy_pieces::<V, [u64; 2]>(panel, source, to, width),
        32 => return copy_pieces::<V, [u64; 4]>(panel, source, to, width),
        _ => {}
    }
    // Full vectors first, then the rest of every summed index.
    let mut done = 0;
    while done + 2 * V::LEN <= units {
        for k in 0..panel.sum_count {
            let (from, to) = (source(k).add(done), to.add(k * width + done));
            V::load(from).store(to);
            V::load(from.add(V::LEN)).store(to.add(V::LEN));
        }
        done += 2 * V::LEN;
    }
    while done < units {
        let part = (units - done).min(V::LEN);
        if part == V::LEN {
            for k in 0..panel.sum_count {
                V::load(source(k).add(done)).store(to.add(k * width + done));
            }
        } else {
            for k in 0..panel.sum_count {
                V::load_part(source(k).add(done), part).store_part(to.add(k * width + done), part);
            }
        }
        done += part;
    }
}

/// Moves one short piece of every summed index.
#[inline(always)]
unsafe fn copy_pieces<V: Vector, P>(
    panel: &Panel,
    source: impl Fn(usize) -> *const V::Element,
    to: *mut V::Element,
    width: usize,
) {
    for k in 0..panel.sum_count {
        to.add(k * width).cast::<P>().write_unaligned(source(k).cast::<P>().read_unaligned());
    }
}

/// Moves `run` summed indices from `k` on, contiguous in the operand, row by row.
#[inline(always)]
unsafe fn transpose_run<V: Vector + Transpose>(panel: &Panel, k: usize, run: usize) {
    let from = panel.from.cast::<V::Element>().wrapping_offset(*panel.sum.add(k));
    let to = panel.to.cast::<V::Element>().add(k * panel.width);
    let source = |row: usize| from.wrapping_offset(*panel.rows.add(row));
    if V::EIGHT && (panel.row_count, panel.width) == (8, 8) {
        let sources: [*const V::Element; 8] = core::array::from_fn(source);
        let mut step = 0;
        while step + V::LEN <= run {
            V::transpose_eight(&sources, step as isize, to.add(step * 8));
            step += V::LEN;
        }
        return scatter_rows::<V>(panel, (from, to), (0, 8), (step, run));
    }
    let mut row = 0;
    while row + V::WIDE <= panel.row_count {
        let mut sources = [from; 16];
        for (place, source_of) in sources.iter_mut().enumerate().take(V::WIDE) {
            *source_of = source(row + place);
        }
        let mut step = 0;
        while step + V::SIDE <= run {
            V::transpose_wide(&sources, step as isize, to.add(step * panel.width + row), panel.width);
            step += V::SIDE;
        }
        scatter_rows::<V>(panel, (from, to), (row, V::WIDE), (step, run));
        row += V::WIDE;
    }
    let rest = panel.row_count - row;
    if rest >= V::PART {
        // The last row stands in for those that do not exist.
        let sources: [*const V::Element; 16] =
            core::array::from_fn(|place| source((row + place).min(panel.row_count - 1)));
        let mut step = 0;
        while step + V::SIDE <= run {
            let to = to.add(step * panel.width + row);
            V::transpose_part(&sources, step as isize, to, panel.width, rest);
            step += V::SIDE;
        }
        scatter_rows::<V>(panel, (from, to), (row, rest), (step, run));
        row = panel.row_count;
    }
    while row + V::SIDE <= panel.row_count {
        let mut sources = [from; 4];
        for (place, source_of) in sources.iter_mut().enumerate().take(V::SIDE) {
            *source_of = source(row + place);
        }
        let mut step = 0;
        while step + V::SIDE <= run {
            V::transpose(&sources, step as isize, to.add(step * panel.width + row), panel.width);
            step += V::SIDE;
        }
        scatter_rows::<V>(panel, (from, to), (row, V::SIDE), (step, run));
        row += V::SIDE;
    }
    scatter_rows::<V>(panel, (from, to), (row, panel.row_count - row), (0, run));
}

/// Moves what is left of a transposed run one by one.
#[inline(always)]
unsafe fn scatter_rows<V: Vector>(
    panel: &Panel,
    (from, to): (*const V::Element, *mut V::Element),
    (row, rows): (usize, usize),
    (start, end): (usize, usize),
) {
    for row in row..row + rows {
        let from = from.wrapping_offset(*panel.rows.add(row));
        for step in start..end {
            to.add(step * panel.width + row).write_unaligned(from.add(step).read_unaligned());
        }
    }
}

/// Moves `run` summed indices from `k` on, element by element.
#[inline(always)]
unsafe fn gather<V: Vector>(panel: &Panel, k: usize, run: usize) {
    let from = panel.from.cast::<V::Element>();
    let to = panel.to.cast::<V::Element>();
    for k in k..k + run {
        let from = from.wrapping_offset(*panel.sum.add(k));
        let to = to.add(k * panel.width);
        for row in 0..panel.row_count {
            to.add(row).write_unaligned(from.wrapping_offset(*panel.rows.add(row)).read_unaligned());
        }
    }
}

/// Transposes in registers.
///
/// # Safety
/// As [`Vector`].
pub trait Transpose: Vector {
    /// The side of the square that is transposed; 1: there is none.
    const SIDE: usize;
    /// Fewer rows than this are not worth the wide form.
    const PART: usize;
    /// Rows of the wide form, at most 16.
    const WIDE: usize;
    /// Whether there is a form for panels of eight rows.
    const EIGHT: bool = false;
    /// Reads a vector at `step` of each of eight rows, and writes its columns, eight elements each, behind
    /// each other: whole lines in, whole lines out.
    ///
    /// # Safety
    /// As [`Vector`].
    unsafe fn transpose_eight(_rows: &[*const Self::Element; 8], _step: isize, _to: *mut Self::Element) {}
    /// Reads `SIDE` elements at `step` of each of `WIDE` rows and writes `SIDE` columns, `stride`
    /// elements apart.
    unsafe fn transpose_wide(
        rows: &[*const Self::Element; 16],
        step: isize,
        to: *mut Self::Element,
        stride: usize,
    );
    /// The same, but only the first `count` rows are written; all pointers are valid.
    ///
    /// # Safety
    /// As [`Vector`].
    unsafe fn transpose_part(
        rows: &[*const Self::Element; 16],
        step: isize,
        to: *mut Self::Element,
        stride: usize,
        count: usize,
    );
    /// The same for four rows, or two if `SIDE` is 2.
    unsafe fn transpose(rows: &[*const Self::Element; 4], step: isize, to: *mut Self::Element, stride: usize);
}
