//! Sorts the axes of a contraction by what they are, and brings them into the order that is cheap
//! to walk. Nothing here changes a result: only summed axes have an order that matters, and they
//! keep it.

use crate::contraction::{Contraction, MAX_AXES};
use core::mem::MaybeUninit;

/// An axis as the kernels see it: `x` is the operand in vectors, `y` the one that is broadcast.
#[derive(Clone, Copy, Debug)]
pub struct PlanAxis {
    /// The number of indices, at least 2.
    pub extent: usize,
    /// The stride of the operand in vectors, in elements.
    pub x: isize,
    /// The stride of the operand that is broadcast.
    pub y: isize,
    /// The stride of the result.
    pub c: isize,
}

/// A list of axes without allocation; room for all axes and two that are split in two.
pub struct Axes {
    count: usize,
    axes: [MaybeUninit<PlanAxis>; MAX_AXES + 2],
}

impl Axes {
    #[inline(always)]
    fn new() -> Axes {
        Axes { count: 0, axes: [const { MaybeUninit::uninit() }; MAX_AXES + 2] }
    }

    #[inline]
    fn push(&mut self, axis: PlanAxis) {
        self.axes[self.count].write(axis);
        self.count += 1;
    }

    /// Puts `axis` at `place`.
    pub fn insert(&mut self, place: usize, axis: PlanAxis) {
        self.axes.copy_within(place..self.count, place + 1);
        self.axes[place].write(axis);
        self.count += 1;
    }

    fn remove(&mut self, place: usize) -> PlanAxis {
        let axis = self[place];
        self.axes.copy_within(place + 1..self.count, place);
        self.count -= 1;
        axis
    }

    /// Moves the axis at `from` forward to `to`.
    fn advance(&mut self, from: usize, to: usize) {
        let axis = self.remove(from);
        self.insert(to, axis);
    }

    /// The product of the extents; `usize::MAX` if there is no such number.
    #[inline]
    pub fn size(&self) -> usize {
        self.iter().fold(1, |size, axis| size.saturating_mul(axis.extent))
    }
}

impl core::ops::Deref for Axes {
    type Target = [PlanAxis];
    #[inline]
    fn deref(&self) -> &[PlanAxis] {
        // SAFETY: the first `count` axes are written; `MaybeUninit<T>` is laid out as `T`.
        unsafe { core::slice::from_raw_parts(self.axes.as_ptr().cast(), self.count) }
    }
}

impl core::ops::DerefMut for Axes {
    #[inline]
    fn deref_mut(&mut self) -> &mut [PlanAxis] {
        // SAFETY: as in `deref`.
        unsafe { core::slice::from_raw_parts_mut(self.axes.as_mut_ptr().cast(), self.count) }
    }
}

/// A contraction in the order in which it is computed.
pub struct Plan {
    /// Axes of both operands and the result, in no special order.
    pub batch: Axes,
    /// Axes of `x` and the result, fastest first.
    pub m: Axes,
    /// Axes of `y` and the result, fastest first.
    pub n: Axes,
    /// The summed axes, fastest first.
    pub k: Axes,
    /// Whether `x` is the second operand.
    pub swapped: bool,
    /// Offsets of the first element, in elements: negative strides were turned around.
    pub start: PlanAxis,
    /// Whether there is nothing to sum.
    pub empty_sum: bool,
}

impl Plan {
    /// A plan of nothing, to be filled in place: it is too large to be moved around.
    #[inline(always)]
    pub fn new() -> Plan {
        Plan {
            batch: Axes::new(),
            m: Axes::new(),
            n: Axes::new(),
            k: Axes::new(),
            swapped: false,
            start: PlanAxis { extent: 1, x: 0, y: 0, c: 0 },
            empty_sum: false,
        }
    }
}

/// Sorts axes by role, turns negative strides of the result around, and decides which operand is
/// read in vectors: the one that owns the result's fastest axis. False: the result has no elements.
#[inline]
pub fn plan(contraction: &Contraction, plan: &mut Plan) -> bool {
    // The smallest stride of the result on either side.
    let (mut least_m, mut least_n) = (isize::MAX, isize::MAX);
    for axis in contraction.axes().iter().rev() {
        let mut axis = PlanAxis {
            extent: axis.extent.max(0) as usize,
            x: axis.a as isize,
            y: axis.b as isize,
            c: axis.c as isize,
        };
        if axis.c == 0 {
            plan.empty_sum |= axis.extent == 0;
            if axis.extent != 1 {
                push_fused(&mut plan.k, axis);
            }
            continue;
        }
        if axis.extent == 0 {
            return false;
        }
        if axis.extent == 1 {
            continue;
        }
        if axis.c < 0 {
            let last = axis.extent as isize - 1;
            plan.start.x += axis.x * last;
            plan.start.y += axis.y * last;
            plan.start.c += axis.c * last;
            (axis.x, axis.y, axis.c) = (-axis.x, -axis.y, -axis.c);
        }
        match (axis.x != 0, axis.y != 0) {
            (true, true) => plan.batch.push(axis),
            (false, true) => {
                least_n = least_n.min(axis.c);
                plan.n.push(axis);
            }
            (_, false) => {
                least_m = least_m.min(axis.c);
                plan.m.push(axis);
            }
        }
    }
    if least_n < least_m {
        swap(plan);
    }
    true
}

/// Exchanges the operands.
pub fn swap(plan: &mut Plan) {
    // Only what is there: the lists are mostly empty.
    let longest = plan.m.count.max(plan.n.count);
    plan.m.axes[..longest].swap_with_slice(&mut plan.n.axes[..longest]);
    core::mem::swap(&mut plan.m.count, &mut plan.n.count);
    let Plan { batch, m, n, k, start, .. } = plan;
    for axis in [batch, m, n, k].into_iter().flat_map(|axes| axes.iter_mut()).chain([start]) {
        core::mem::swap(&mut axis.x, &mut axis.y);
    }
    plan.swapped = !plan.swapped;
}

/// Appends a slower axis, or lengthens the last one if the two walk as one.
#[inline]
fn push_fused(axes: &mut Axes, axis: PlanAxis) {
    if let Some(last) = axes.last_mut() {
        let extent = last.extent as isize;
        if axis.x == last.x * extent && axis.y == last.y * extent && axis.c == last.c * extent {
            last.extent = last.extent.saturating_mul(axis.extent);
            return;
        }
    }
    axes.push(axis);
}

/// Sorts by ascending stride of the result and joins what walks as one.
pub fn sort_and_fuse(axes: &mut Axes) {
    if axes.len() < 2 {
        return;
    }
    axes.sort_unstable_by_key(|axis| (axis.c, axis.x, axis.y, axis.extent));
    let mut kept = 1;
    for next in 1..axes.len() {
        let axis = axes[next];
        let last = &mut axes[kept - 1];
        let extent = last.extent as isize;
        if axis.x == last.x * extent && axis.y == last.y * extent && axis.c == last.c * extent {
            last.extent = last.extent.saturating_mul(axis.extent);
        } else {
            axes[kept] = axis;
            kept += 1;
        }
    }
    axes.count = kept;
}

/// Brings the axis along which `stride` is smallest to the second place, so that neighbouring tiles
/// share its cache lines.
pub fn second_fastest(axes: &mut Axes, stride: impl Fn(&PlanAxis) -> isize) {
    let least = (1..axes.len()).min_by_key(|&place| stride(&axes[place]).unsigned_abs());
    if let Some(place) = least
        && place > 1
        && stride(&axes[place]).unsigned_abs() < stride(&axes[0]).unsigned_abs()
    {
        axes.advance(place, 1);
    }
}

/// Writes the offsets of the flat indices `start..start + count` into two tables.
///
/// # Safety
/// Both tables have room for `count` offsets, and the indices exist.
pub unsafe fn offsets(
    axes: &[PlanAxis],
    (start, count): (usize, usize),
    strides: impl Fn(&PlanAxis) -> (isize, isize),
    (first, second): (*mut isize, *mut isize),
) {
    let mut index = [0_usize; MAX_AXES + 2];
    let (mut rest, mut one, mut two) = (start, 0, 0);
    for (place, axis) in axes.iter().enumerate() {
        index[place] = rest % axis.extent;
        rest /= axis.extent;
        let (a, b) = strides(axis);
        one += index[place] as isize * a;
        two += index[place] as isize * b;
    }
    let Some(fastest) = axes.first() else {
        if count > 0 {
            // SAFETY: the tables have room.
            unsafe {
                first.write(0);
                second.write(0);
            }
        }
        return;
    };
    let (a, b) = strides(fastest);
    let mut done = 0;
    while done < count {
        let run = (fastest.extent - index[0]).min(count - done);
        for step in 0..run {
            // SAFETY: `done + step < count`.
            unsafe {
                first.add(done + step).write(one + step as isize * a);
                second.add(done + step).write(two + step as isize * b);
            }
        }
        done += run;
        one -= index[0] as isize * a;
        two -= index[0] as isize * b;
        index[0] = 0;
        for (place, axis) in axes.iter().enumerate().skip(1) {
            let (a, b) = strides(axis);
            if index[place] + 1 < axis.extent {
                index[place] += 1;
                one += a;
                two += b;
                break;
            }
            one -= index[place] as isize * a;
            two -= index[place] as isize * b;
            index[place] = 0;
        }
    }
}
