//! Batches of products with matrices of four by four: a vector holds several rows of a result, and needs
//! no more than four steps.

// The contract of every function here is that of the fields of `Quads`.
#![allow(unsafe_op_in_unsafe_fn)]

use crate::plan::PlanAxis;
use crate::table::Kernels;
use crate::vector::{Task, Vector};
use core::marker::PhantomData;

/// `batch` products of rows of four elements with a matrix of four by four each. The rows of `y`, and
/// those of the result, lie behind each other from the first product to the last.
pub struct Quads {
    x: *const u8,
    x_step: isize,
    x_batch: isize,
    y: *const u8,
    c: *mut u8,
    vectors: usize,
    batch: usize,
    accumulate: bool,
}

/// A kernel for such batches.
pub type QuadsFn = unsafe fn(&Quads);

/// The kernel for such batches.
pub struct QuadsTask<'a, V>(pub &'a Quads, pub PhantomData<V>);

impl<V: Vector> Task for QuadsTask<'_, V> {
    #[inline(always)]
    unsafe fn run(&self) {
        let task = self.0;
        let (mut y, mut c) = (task.y.cast::<V::Element>(), task.c.cast::<V::Element>());
        for batch in 0..task.batch as isize {
            let x = task.x.cast::<V::Element>().wrapping_offset(batch * task.x_batch);
            let rows = [0, 1, 2, 3].map(|row| x.wrapping_offset(row * task.x_step));
            for _ in 0..task.vectors {
                let sum = V::load(y).times_quad(rows);
                let sum = if task.accumulate { V::load(c).plus(sum) } else { sum };
                sum.store(c);
                (y, c) = (y.add(V::LEN), c.add(V::LEN));
            }
        }
    }
}

/// Computes the products along one axis of a batch. False: they are not of this kind.
pub unsafe fn run(
    kernels: &Kernels,
    [m, n, k, batch]: [&PlanAxis; 4],
    (x, y, c): (*const u8, *const u8, *mut u8),
    accumulate: bool,
) -> bool {
    let Some(kernel) = kernels.quads else { return false };
    let rows = kernels.len / 4;
    let size = 4 * n.extent as isize;
    if (m.extent, m.x, m.c) != (4, 1, 1)
        || (k.extent, k.y) != (4, 1)
        || (n.y, n.c, batch.y, batch.c) != (4, 4, size, size)
        || !n.extent.is_multiple_of(rows)
    {
        return false;
    }
    kernel(&Quads {
        x,
        x_step: k.x,
        x_batch: batch.x,
        y,
        c,
        vectors: n.extent / rows,
        batch: batch.extent,
        accumulate,
    });
    true
}
