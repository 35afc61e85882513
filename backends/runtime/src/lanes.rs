//! Sums that are dealt to lanes: dots and products of a matrix by a vector along contiguous rows.

// The contract of every function here is that of `tcc_contract`.
#![allow(unsafe_op_in_unsafe_fn)]

use crate::contraction::MAX_LANES;
use crate::element::Element;
use crate::plan::{Plan, PlanAxis, offsets};
use crate::table::Kernels;
use crate::vector::{Task, Vector};
use core::marker::PhantomData;

/// Part of one sum.
pub struct Lanes {
    /// The first factors, contiguous.
    pub x: *const u8,
    /// The second factors, contiguous.
    pub y: *const u8,
    /// How many; a multiple of `lanes` unless the sum ends here.
    pub count: usize,
    /// How many lanes, a power of two from 2 to [`MAX_LANES`].
    pub lanes: usize,
    /// The lanes.
    pub sums: *mut u8,
    /// Whether the sum begins here: the lanes hold nothing yet.
    pub first: bool,
    /// Whether the sum ends here: the lanes are added up into the first.
    pub end: bool,
}

/// A function that deals elements to lanes.
pub type LanesFn = unsafe fn(&Lanes);

/// Deals elements to lanes.
pub struct LanesTask<'a, V>(pub &'a Lanes, pub PhantomData<V>);

impl<V: Vector> Task for LanesTask<'_, V> {
    #[inline(always)]
    unsafe fn run(&self) {
        let task = self.0;
        match task.lanes / V::LEN {
            0 => narrow::<V>(task),
            1 => deal::<V, 1>(task, 0),
            2 => deal::<V, 2>(task, 0),
            4 => deal::<V, 4>(task, 0),
            vectors => {
                // Eight vectors at a time, so that all of them stay in registers.
                for block in (0..vectors).step_by(8) {
                    deal::<V, 8>(task, block * V::LEN);
                }
            }
        }
        if task.end {
            let sums = task.sums.cast::<V::Element>();
            let mut half = task.lanes / 2;
            while half > 0 {
                let mut lane = 0;
                while lane < half {
                    let count = V::LEN.min(half - lane);
                    let sum = V::load_part(sums.add(lane), count);
                    sum.plus(V::load_part(sums.add(lane + half), count)).store_part(sums.add(lane), count);
                    lane += count;
                }
                half /= 2;
            }
        }
    }
}

/// Fewer lanes than a vector has.
#[inline(always)]
unsafe fn narrow<V: Vector>(task: &Lanes) {
    let (x, y) = (task.x.cast::<V::Element>(), task.y.cast::<V::Element>());
    let sums = task.sums.cast::<V::Element>();
    let mut sum = if task.first { V::zero() } else { V::load_part(sums, task.lanes) };
    let mut done = 0;
    sum.store_part(sums, task.lanes);
    while done < task.count {
        let count = task.lanes.min(task.count - done);
        let next = sum.multiply_add_lanes(V::load_part(x.add(done), count), V::load_part(y.add(done), count));
        next.store_part(sums, count);
        sum = if count < task.lanes { V::load_part(sums, task.lanes) } else { next };
        done += count;
    }
}

/// The lanes `lane..lane + VECTORS * LEN`.
#[inline(always)]
unsafe fn deal<V: Vector, const VECTORS: usize>(task: &Lanes, lane: usize) {
    let (x, y) = (task.x.cast::<V::Element>().add(lane), task.y.cast::<V::Element>().add(lane));
    let sums = task.sums.cast::<V::Element>().add(lane);
    let mut vectors = [V::zero(); VECTORS];
    if !task.first {
        for (place, vector) in vectors.iter_mut().enumerate() {
            *vector = V::load(sums.add(place * V::LEN));
        }
    }
    let mut done = 0;
    while done + task.lanes <= task.count {
        for (place, vector) in vectors.iter_mut().enumerate() {
            let at = done + place * V::LEN;
            *vector = vector.multiply_add_lanes(V::load(x.add(at)), V::load(y.add(at)));
        }
        done += task.lanes;
    }
    for (place, vector) in vectors.iter().enumerate() {
        vector.store(sums.add(place * V::LEN));
        // Lanes that get nothing more keep what they have, to the sign of their zero.
        let at = done + place * V::LEN;
        let count = task.count.saturating_sub(lane + at).min(V::LEN);
        if count > 0 {
            let next =
                vector.multiply_add_lanes(V::load_part(x.add(at), count), V::load_part(y.add(at), count));
            next.store_part(sums.add(place * V::LEN), count);
        }
    }
}

/// Elements of a sum that are gathered at a time; a multiple of every number of lanes.
const GATHERED: usize = 1024;

/// Computes every element of the result by lanes.
pub unsafe fn run(
    plan: &Plan,
    kernels: &Kernels,
    (x, y, c): (*const u8, *const u8, *mut u8),
    (lanes, accumulate): (usize, bool),
    workspace: *mut u8,
) {
    let bytes = kernels.bytes;
    let at = |offset: isize| offset * bytes as isize;
    let count = plan.k.size();
    let contiguous = matches!(plan.k[..], [PlanAxis { x: 1, y: 1, .. }]);
    let skip = workspace.align_offset(64);
    let sums = workspace.add(skip);
    let gathered_x = sums.add(MAX_LANES * 16);
    let gathered_y = gathered_x.add(GATHERED * 16);
    let offsets_x = gathered_y.add(GATHERED * 16).cast::<isize>();
    let offsets_y = offsets_x.add(GATHERED);
    let free = || [&plan.m, &plan.n, &plan.batch].into_iter().flat_map(|axes| axes.iter());
    let total = free().fold(1_usize, |total, axis| total.saturating_mul(axis.extent));
    for flat in 0..total {
        let (mut rest, mut ox, mut oy, mut oc) = (flat, 0, 0, 0);
        for axis in free() {
            let index = (rest % axis.extent) as isize;
            rest /= axis.extent;
            ox += index * axis.x;
            oy += index * axis.y;
            oc += index * axis.c;
        }
        let (x, y) = (x.wrapping_offset(at(ox)), y.wrapping_offset(at(oy)));
        if contiguous {
            (kernels.lanes)(&Lanes { x, y, count, lanes, sums, first: true, end: true });
        } else {
            let mut done = 0;
            while done < count {
                let part = GATHERED.min(count - done);
                offsets(&plan.k, (done, part), |axis| (axis.x, axis.y), (offsets_x, offsets_y));
                for place in 0..part {
                    let from = x.wrapping_offset(at(*offsets_x.add(place)));
                    core::ptr::copy_nonoverlapping(from, gathered_x.add(place * bytes), bytes);
                    let from = y.wrapping_offset(at(*offsets_y.add(place)));
                    core::ptr::copy_nonoverlapping(from, gathered_y.add(place * bytes), bytes);
                }
                (kernels.lanes)(&Lanes {
                    x: gathered_x,
                    y: gathered_y,
                    count: part,
                    lanes,
                    sums,
                    first: done == 0,
                    end: done + part == count,
                });
                done += part;
            }
        }
        (kernels.put)(sums, c.wrapping_offset(at(oc)), accumulate);
    }
}

/// Stores or adds one element.
pub unsafe fn put<T: Element>(from: *const u8, to: *mut u8, accumulate: bool) {
    let (from, to) = (from.cast::<T>(), to.cast::<T>());
    let sum = from.read_unaligned();
    to.write_unaligned(if accumulate { to.read_unaligned().plus(sum) } else { sum });
}
