//! Copies between any strides: permutes, broadcasts, slices, reversals.

// The contract of every function here is that of the fields.
#![allow(unsafe_op_in_unsafe_fn)]

use crate::contraction::MAX_AXES;
use crate::detect::{InstructionSet, detect};
use crate::pack::Transpose;
use crate::vector::portable::Portable;
use crate::vector::{Machine, Task, fence, stream};
use core::marker::PhantomData;
use core::mem::MaybeUninit;

/// One axis of a copy, strides in elements.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MoveAxis {
    /// The number of indices; nothing is copied if it is below 1.
    pub extent: i64,
    /// The stride of what is read; 0 repeats it.
    pub from: i64,
    /// The stride of what is written.
    pub to: i64,
}

/// What is written past the caches: more than they hold.
const STREAM_BYTES: usize = 8 << 20;

/// The side of the blocks that are transposed by way of a buffer.
const BLOCK: usize = 64;

/// A copy, its axes sorted: the fastest of what is written first.
struct Move {
    axes: [MoveAxis; MAX_AXES],
    count: usize,
    stream: bool,
}

/// Copies `to[..] = from[..]`. See [`permute_with`].
///
/// # Safety
/// As [`permute_with`]; `axes` points to `count` axes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcc_permute(
    axes: *const MoveAxis,
    count: u32,
    element_bytes: u32,
    from: *const u8,
    to: *mut u8,
) {
    let count = count as usize;
    let axes = if count == 0 { &[] } else { core::slice::from_raw_parts(axes, count) };
    permute_with(detect(), axes, element_bytes as usize, from, to);
}

/// Copies elements of 1, 2, 4, 8 or 16 bytes between any strides: `to[..] = from[..]` for all
/// indices of at most [`MAX_AXES`] axes. Other sizes, or more axes, copy nothing.
///
/// # Safety
/// The processor runs `set`; both are valid at every offset that the axes reach, and do not overlap.
pub unsafe fn permute_with(
    set: InstructionSet,
    axes: &[MoveAxis],
    element_bytes: usize,
    from: *const u8,
    to: *mut u8,
) {
    let mut task = Move { axes: [MoveAxis::default(); MAX_AXES], count: 0, stream: false };
    if axes.len() > MAX_AXES || axes.iter().any(|axis| axis.extent < 1) {
        return;
    }
    let (mut from, mut to) = (from, to);
    let mut elements = 1_usize;
    for axis in axes.iter().filter(|axis| axis.extent > 1) {
        let mut axis = *axis;
        elements = elements.saturating_mul(axis.extent as usize);
        if axis.to < 0 {
            let last = (axis.extent - 1) * element_bytes as i64;
            from = from.wrapping_offset((axis.from * last) as isize);
            to = to.wrapping_offset((axis.to * last) as isize);
            (axis.from, axis.to) = (-axis.from, -axis.to);
        }
        task.axes[task.count] = axis;
        task.count += 1;
    }
    sort_and_fuse(&mut task);
    task.stream = elements.saturating_mul(element_bytes) >= STREAM_BYTES;
    match element_bytes {
        1 => by_set::<u8, 1>(set, &task, from, to),
        2 => by_set::<u16, 2>(set, &task, from, to),
        4 => by_set::<u32, 4>(set, &task, from, to),
        8 => by_set::<u64, 8>(set, &task, from, to),
        16 => by_set::<[u64; 2], 16>(set, &task, from, to),
        _ => {}
    }
}

/// Sorts by ascending stride of what is written, and joins what walks as one.
fn sort_and_fuse(task: &mut Move) {
    let axes = &mut task.axes[..task.count];
    axes.sort_unstable_by_key(|axis| (axis.to, axis.from, axis.extent));
    let mut kept = 0;
    for place in 0..axes.len() {
        let axis = axes[place];
        if kept > 0 {
            let last = &mut axes[kept - 1];
            if axis.from == last.from * last.extent && axis.to == last.to * last.extent {
                last.extent *= axis.extent;
                continue;
            }
        }
        axes[kept] = axis;
        kept += 1;
    }
    task.count = kept;
}

/// With the instructions of `set`, and its vectors where an element is one of theirs.
unsafe fn by_set<T: Copy, const BYTES: usize>(
    set: InstructionSet,
    task: &Move,
    from: *const u8,
    to: *mut u8,
) {
    match set {
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx512 => enter::<crate::vector::avx512::Avx512, T, BYTES>(task, from, to),
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx2 => enter::<crate::vector::avx2::Avx2, T, BYTES>(task, from, to),
        _ => enter::<Portable, T, BYTES>(task, from, to),
    }
}

unsafe fn enter<M: Machine, T: Copy, const BYTES: usize>(task: &Move, from: *const u8, to: *mut u8) {
    match BYTES {
        4 => M::enter(&MoveTask::<M::F32, T>(task, from, to, PhantomData)),
        8 => M::enter(&MoveTask::<M::F64, T>(task, from, to, PhantomData)),
        // Vectors of bytes do not transpose; the rest of the task does not look at them.
        _ => M::enter(&MoveTask::<M::U8, T>(task, from, to, PhantomData)),
    }
}

struct MoveTask<'a, W, T>(&'a Move, *const u8, *mut u8, PhantomData<(W, T)>);

impl<W: Transpose, T: Copy> Task for MoveTask<'_, W, T> {
    #[inline(always)]
    unsafe fn run(&self) {
        let (task, from, to) = (self.0, self.1.cast::<T>(), self.2.cast::<T>());
        let axes = &task.axes[..task.count];
        let one = MoveAxis { extent: 1, from: 0, to: 0 };
        let fast = axes.first().copied().unwrap_or(one);
        // The axis along which reading is contiguous, if it is another one than writing's.
        let across = axes.iter().position(|axis| axis.from == 1).filter(|&place| place > 0);
        let contiguous = fast.to == 1 && fast.from == 1;
        let inner = [0, across.filter(|_| fast.to == 1).unwrap_or(0)];
        each(axes, inner, |offset_from, offset_to| {
            let (from, to) = (from.wrapping_offset(offset_from), to.wrapping_offset(offset_to));
            if contiguous || axes.is_empty() {
                let bytes = fast.extent as usize * size_of::<T>();
                if task.stream && bytes >= 256 {
                    stream::<W>(from.cast(), to.cast(), bytes);
                } else {
                    core::ptr::copy_nonoverlapping(from.cast::<u8>(), to.cast::<u8>(), bytes);
                }
            } else if inner[1] > 0 {
                transpose::<W, T>((from, to), (fast, axes[inner[1]]), task.stream);
            } else {
                for index in 0..fast.extent as isize {
                    let from = from.wrapping_offset(index * fast.from as isize);
                    to.wrapping_offset(index * fast.to as isize).write_unaligned(from.read_unaligned());
                }
            }
        });
        if task.stream {
            fence();
        }
    }
}

/// Calls `run` with the offsets of all indices of the axes that are not `inner`.
#[inline(always)]
unsafe fn each(axes: &[MoveAxis], inner: [usize; 2], mut run: impl FnMut(isize, isize)) {
    let mut index = [0_i64; MAX_AXES];
    let (mut from, mut to) = (0_i64, 0_i64);
    loop {
        run(from as isize, to as isize);
        let mut place = 0;
        loop {
            let Some(axis) = axes.get(place) else { return };
            if !inner.contains(&place) {
                if index[place] + 1 < axis.extent {
                    index[place] += 1;
                    from += axis.from;
                    to += axis.to;
                    break;
                }
                from -= index[place] * axis.from;
                to -= index[place] * axis.to;
                index[place] = 0;
            }
            place += 1;
        }
    }
}

/// Transposes a plane: `fast` is contiguous where it is written, `across` where it is read.
#[inline(always)]
unsafe fn transpose<W: Transpose, T: Copy>(
    (from, to): (*const T, *mut T),
    (fast, across): (MoveAxis, MoveAxis),
    past_caches: bool,
) {
    let mut buffer = [const { MaybeUninit::<T>::uninit() }; BLOCK * BLOCK];
    let buffer = buffer.as_mut_ptr().cast::<T>();
    let (rows, columns) = (fast.extent as usize, across.extent as usize);
    let (row_step, column_step) = (fast.from as isize, across.to as isize);
    let mut row = 0;
    while row < rows {
        let height = BLOCK.min(rows - row);
        let mut column = 0;
        while column < columns {
            let width = BLOCK.min(columns - column);
            let from = from.wrapping_offset(row as isize * row_step + column as isize);
            let to = to.wrapping_offset(row as isize + column as isize * column_step);
            turn::<W, T>(from, row_step, buffer, (height, width));
            let bytes = height * size_of::<T>();
            for place in 0..width {
                let line = buffer.add(place * BLOCK).cast::<u8>();
                let to = to.wrapping_offset(place as isize * column_step).cast::<u8>();
                if past_caches && bytes >= 128 {
                    stream::<W>(line, to, bytes);
                } else {
                    core::ptr::copy_nonoverlapping(line, to, bytes);
                }
            }
            column += width;
        }
        row += height;
    }
}

/// Transposes a block into the buffer, `BLOCK` elements from line to line.
#[inline(always)]
unsafe fn turn<W: Transpose, T: Copy>(
    from: *const T,
    row_step: isize,
    buffer: *mut T,
    (height, width): (usize, usize),
) {
    let fits = size_of::<W::Element>() == size_of::<T>() && W::SIDE > 1;
    let source = |row: usize| from.wrapping_offset(row as isize * row_step);
    let mut row = 0;
    while fits && row + W::WIDE <= height {
        let mut rows = [from.cast::<W::Element>(); 16];
        for (place, source_of) in rows.iter_mut().enumerate().take(W::WIDE) {
            *source_of = source(row + place).cast();
        }
        let mut column = 0;
        while column + W::SIDE <= width {
            W::transpose_wide(&rows, column as isize, buffer.add(column * BLOCK + row).cast(), BLOCK);
            column += W::SIDE;
        }
        for place in row..row + W::WIDE {
            for column in column..width {
                buffer.add(column * BLOCK + place).write(source(place).add(column).read_unaligned());
            }
        }
        row += W::WIDE;
    }
    for row in row..height {
        for column in 0..width {
            buffer.add(column * BLOCK + row).write(source(row).add(column).read_unaligned());
        }
    }
}
