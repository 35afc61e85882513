//! Batches whose index is the contiguous one: a vector holds the same element of many products.

// The contract of every function here is that of `tcc_contract`.
#![allow(unsafe_op_in_unsafe_fn)]

use crate::contraction::CHUNK;
use crate::plan::{Plan, PlanAxis, offsets};
use crate::table::Kernels;
use crate::vector::{Task, Vector};
use core::marker::PhantomData;

/// The most rows or columns whose offsets are known at a time.
const BLOCK: usize = 1024;

/// Part of a batch: all products of `m` rows by `n` columns over a chunk of the sum. Offsets count
/// elements; along the batch all three operands are contiguous.
pub struct Batched {
    x: *const u8,
    y: *const u8,
    c: *mut u8,
    x_m: *const isize,
    c_m: *const isize,
    m: usize,
    y_n: *const isize,
    c_n: *const isize,
    n: usize,
    x_k: *const isize,
    y_k: *const isize,
    depth: usize,
    batch: usize,
    accumulate: bool,
}

/// A kernel for batches.
pub type BatchedFn = unsafe fn(&Batched);

/// The kernel for batches.
pub struct BatchedTask<'a, V>(pub &'a Batched, pub PhantomData<V>);

impl<V: Vector> Task for BatchedTask<'_, V> {
    #[inline(always)]
    unsafe fn run(&self) {
        let task = self.0;
        let mut at = 0;
        while at < task.batch {
            let count = V::LEN.min(task.batch - at);
            let mut column = 0;
            while column < task.n {
                let columns = if task.n - column >= 4 { 4 } else { 1 };
                let mut row = 0;
                while row < task.m {
                    let rows = if task.m - row >= 2 { 2 } else { 1 };
                    match (rows, columns) {
                        (2, 4) => tile::<V, 2, 4>(task, (at, count), row, column),
                        (1, 4) => tile::<V, 1, 4>(task, (at, count), row, column),
                        (2, _) => tile::<V, 2, 1>(task, (at, count), row, column),
                        _ => tile::<V, 1, 1>(task, (at, count), row, column),
                    }
                    row += rows;
                }
                column += columns;
            }
            at += count;
        }
    }
}

/// `ROWS` by `COLUMNS` elements of `count` products from `at` on.
#[inline(always)]
unsafe fn tile<V: Vector, const ROWS: usize, const COLUMNS: usize>(
    task: &Batched,
    (at, count): (usize, usize),
    row: usize,
    column: usize,
) {
    let x: [*const V::Element; ROWS] = core::array::from_fn(|place| {
        task.x.cast::<V::Element>().wrapping_offset(*task.x_m.add(row + place)).wrapping_add(at)
    });
    let y: [*const V::Element; COLUMNS] = core::array::from_fn(|place| {
        task.y.cast::<V::Element>().wrapping_offset(*task.y_n.add(column + place)).wrapping_add(at)
    });
    let mut sums = [[V::zero(); COLUMNS]; ROWS];
    for k in 0..task.depth {
        let (x_k, y_k) = (*task.x_k.add(k), *task.y_k.add(k));
        let rows: [V; ROWS] = core::array::from_fn(|place| load::<V>(x[place].wrapping_offset(x_k), count));
        for place in 0..COLUMNS {
            let factor = load::<V>(y[place].wrapping_offset(y_k), count);
            for (sums, row) in sums.iter_mut().zip(rows) {
                sums[place] = sums[place].multiply_add_lanes(row, factor);
            }
        }
    }
    for (place, sums) in sums.iter().enumerate() {
        for (other, &sum) in sums.iter().enumerate() {
            let offset = *task.c_m.add(row + place) + *task.c_n.add(column + other);
            let to = task.c.cast::<V::Element>().wrapping_offset(offset).wrapping_add(at);
            let sum = if task.accumulate { load::<V>(to, count).plus(sum) } else { sum };
            if count == V::LEN {
                sum.store(to);
            } else {
                sum.store_part(to, count);
            }
        }
    }
}

/// A vector, or part of one.
#[inline(always)]
unsafe fn load<V: Vector>(from: *const V::Element, count: usize) -> V {
    if count == V::LEN { V::load(from) } else { V::load_part(from, count) }
}

/// The place of the batch's axis that is contiguous in all operands, if vectors along it are the best
/// there is: it is long enough to fill them.
#[inline]
pub fn contiguous_batch(plan: &Plan, kernels: &Kernels) -> Option<usize> {
    let place = plan.batch.iter().position(|axis| (axis.x, axis.y, axis.c) == (1, 1, 1))?;
    (plan.batch[place].extent >= kernels.len / 2).then_some(place)
}

/// Computes all products, in vectors along the axis of the batch at `place`.
pub unsafe fn run(
    plan: &Plan,
    place: usize,
    kernels: &Kernels,
    (x, y, c): (*const u8, *const u8, *mut u8),
    accumulate: bool,
    workspace: *mut u8,
) {
    let bytes = kernels.bytes as isize;
    let skip = workspace.align_offset(64);
    let table = |number: usize| workspace.add(skip).cast::<isize>().add(number * BLOCK);
    let (x_m, c_m, y_n, c_n) = (table(0), table(1), table(2), table(3));
    let (x_k, y_k) = (table(4), table(5));
    let outer = || plan.batch.iter().enumerate().filter(move |(at, _)| *at != place).map(|(_, axis)| axis);
    let total = outer().fold(1_usize, |total, axis| total.saturating_mul(axis.extent));
    let (m, n, k) = (plan.m.size(), plan.n.size(), plan.k.size());
    for flat in 0..total {
        let (mut rest, mut ox, mut oy, mut oc) = (flat, 0, 0, 0);
        for axis in outer() {
            let index = (rest % axis.extent) as isize;
            rest /= axis.extent;
            ox += index * axis.x;
            oy += index * axis.y;
            oc += index * axis.c;
        }
        let ms = |axis: &PlanAxis| (axis.x, axis.c);
        let ns = |axis: &PlanAxis| (axis.y, axis.c);
        for row in (0..m).step_by(BLOCK) {
            let rows = BLOCK.min(m - row);
            offsets(&plan.m, (row, rows), ms, (x_m, c_m));
            for column in (0..n).step_by(BLOCK) {
                let columns = BLOCK.min(n - column);
                offsets(&plan.n, (column, columns), ns, (y_n, c_n));
                for start in (0..k).step_by(CHUNK) {
                    let depth = CHUNK.min(k - start);
                    offsets(&plan.k, (start, depth), |axis| (axis.x, axis.y), (x_k, y_k));
                    (kernels.batched)(&Batched {
                        x: x.wrapping_offset(ox * bytes),
                        y: y.wrapping_offset(oy * bytes),
                        c: c.wrapping_offset(oc * bytes),
                        x_m,
                        c_m,
                        m: rows,
                        y_n,
                        c_n,
                        n: columns,
                        x_k,
                        y_k,
                        depth,
                        batch: plan.batch[place].extent,
                        accumulate: accumulate || start > 0,
                    });
                }
            }
        }
    }
}
