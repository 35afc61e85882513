//! A matrix by a vector or by a few, the matrix contiguous along the result: rows of the matrix are
//! streamed through strips of sums that stay in the first level cache.

// The contract of every function here is that of the fields.
#![allow(unsafe_op_in_unsafe_fn)]

use crate::contraction::CHUNK;
use crate::element::Element;
use crate::vector::{Task, Vector, prefetch};
use core::marker::PhantomData;
use core::mem::MaybeUninit;

/// Bytes of the strips of sums of all columns.
const STRIP: usize = 16 << 10;

/// One product. Strides count elements.
pub struct Gemv {
    /// The matrix; contiguous along the result.
    pub x: *const u8,
    /// Its stride along the sum.
    pub x_step: isize,
    /// The vector.
    pub y: *const u8,
    /// Its stride.
    pub y_step: isize,
    /// Its stride from column to column.
    pub y_column: isize,
    /// How many columns there are, at most as many as the kernel has.
    pub columns: usize,
    /// Elements of a column of the result, which are contiguous.
    pub rows: usize,
    /// Elements of the sum.
    pub depth: usize,
    /// The result.
    pub c: *mut u8,
    /// Its stride from column to column.
    pub c_column: isize,
    /// Whether it is added to.
    pub accumulate: bool,
}

/// A matrix-vector kernel.
pub type GemvFn = unsafe fn(&Gemv);

/// The kernel for `COLUMNS` vectors.
pub struct GemvTask<'a, V, const COLUMNS: usize>(pub &'a Gemv, pub PhantomData<V>);

impl<V: Vector, const COLUMNS: usize> Task for GemvTask<'_, V, COLUMNS> {
    #[inline(always)]
    unsafe fn run(&self) {
        let task = self.0;
        let mut sums = [const { MaybeUninit::<u64>::uninit() }; STRIP / 8];
        let sums = sums.as_mut_ptr().cast::<V::Element>();
        let strip = STRIP / size_of::<V::Element>() / COLUMNS.next_power_of_two();
        let mut row = 0;
        while row < task.rows {
            let rows = strip.min(task.rows - row);
            let x = task.x.cast::<V::Element>().wrapping_add(row);
            let c = task.c.cast::<V::Element>().wrapping_add(row);
            let mut start = 0;
            while start < task.depth {
                let depth = CHUNK.min(task.depth - start);
                let at = start as isize;
                let y = task.y.cast::<V::Element>().wrapping_offset(at * task.y_step);
                let x = x.wrapping_offset(at * task.x_step);
                chunk::<V, COLUMNS>(task, (x, y), (rows, depth), (sums, strip));
                for column in 0..task.columns {
                    let to = c.wrapping_offset(column as isize * task.c_column);
                    add_strip::<V>(sums.add(column * strip), to, rows, task.accumulate || start > 0);
                }
                start += depth;
            }
            row += rows;
        }
    }
}

/// The sums of one chunk.
#[inline(always)]
unsafe fn chunk<V: Vector, const COLUMNS: usize>(
    task: &Gemv,
    factors: (*const V::Element, *const V::Element),
    (rows, depth): (usize, usize),
    sums: (*mut V::Element, usize),
) {
    let mut k = 0;
    while COLUMNS == 1 && k + 8 <= depth {
        steps::<V, 8, COLUMNS>(task, factors, rows, k, sums);
        k += 8;
    }
    while k + 4 <= depth {
        steps::<V, 4, COLUMNS>(task, factors, rows, k, sums);
        k += 4;
    }
    while k < depth {
        steps::<V, 1, COLUMNS>(task, factors, rows, k, sums);
        k += 1;
    }
}

/// `STEPS` steps of every chain of the strips.
#[inline(always)]
unsafe fn steps<V: Vector, const STEPS: usize, const COLUMNS: usize>(
    task: &Gemv,
    (x, y): (*const V::Element, *const V::Element),
    rows: usize,
    k: usize,
    (sums, strip): (*mut V::Element, usize),
) {
    // Columns that do not exist repeat the last one; nobody reads their sums.
    let y_at = |step: usize, column: usize| {
        let column = column.min(task.columns - 1) as isize;
        y.wrapping_offset((k + step) as isize * task.y_step + column * task.y_column)
    };
    let factors: [[V::Splat; STEPS]; COLUMNS] =
        core::array::from_fn(|column| core::array::from_fn(|step| V::splat(y_at(step, column))));
    let lines: [*const V::Element; STEPS] =
        core::array::from_fn(|step| x.wrapping_offset((k + step) as isize * task.x_step));
    let full = rows / V::LEN * V::LEN;
    let mut row = 0;
    while row < full {
        let vectors: [V; STEPS] = core::array::from_fn(|step| V::load(lines[step].wrapping_add(row)));
        if COLUMNS > 1 {
            // The strips of several columns are short: nothing but this asks for the next rows in time.
            for line in lines {
                prefetch(line.wrapping_offset(row as isize + STEPS as isize * task.x_step).cast());
            }
        }
        for (column, factors) in factors.iter().enumerate() {
            let to = sums.add(column * strip + row);
            let mut sum = if k == 0 { V::zero() } else { V::load(to) };
            for step in 0..STEPS {
                sum = sum.multiply_add(vectors[step], factors[step]);
            }
            sum.store(to);
        }
        row += V::LEN;
    }
    if row < rows {
        let count = rows - row;
        let vectors: [V; STEPS] =
            core::array::from_fn(|step| V::load_part(lines[step].wrapping_add(row), count));
        for (column, factors) in factors.iter().enumerate() {
            // A strip has room for whole vectors.
            let to = sums.add(column * strip + row);
            let mut sum = if k == 0 { V::zero() } else { V::load(to) };
            for step in 0..STEPS {
                sum = sum.multiply_add(vectors[step], factors[step]);
            }
            sum.store(to);
        }
    }
}

/// Stores or adds a strip.
#[inline(always)]
unsafe fn add_strip<V: Vector>(sums: *const V::Element, c: *mut V::Element, rows: usize, accumulate: bool) {
    let mut row = 0;
    while row + V::LEN <= rows {
        let sum = V::load(sums.add(row));
        let to = c.wrapping_add(row);
        if accumulate { V::load(to).plus(sum) } else { sum }.store(to);
        row += V::LEN;
    }
    for row in row..rows {
        let (sum, to) = (*sums.add(row), c.wrapping_add(row));
        to.write_unaligned(if accumulate { to.read_unaligned().plus(sum) } else { sum });
    }
}
