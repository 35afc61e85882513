//! The register tile: the one loop in which all the arithmetic happens.
//!
//! A tile is `VECTORS` vectors of the result by `COLUMNS` columns, kept in registers over a chunk of
//! the sum. Operands are read where they lie or from packed panels; the same code does both, since
//! a panel is only an operand with convenient strides.

// The contract of every function here is that of the arguments' fields.
#![allow(unsafe_op_in_unsafe_fn)]

use crate::element::Element;
use crate::vector::{Task, Vector, prefetch, stream};
use core::marker::PhantomData;

/// A stretch of the sum along which both operands have one stride.
#[derive(Clone, Copy)]
pub struct Segment {
    /// Where the first `x` lies, in elements from the tile's.
    pub x: isize,
    /// Where the first `y` lies.
    pub y: isize,
    /// How many indices.
    pub len: usize,
}

/// What kernels that know their operands ([`PANELS`], [`ROWS`]) let memory do while they compute, a cache
/// line every four steps of the sum: for other tiles, or it would come too late.
#[derive(Clone, Copy)]
pub struct Aside {
    /// What is asked for, by those of [`ROWS`]: anything, since it is not read here,
    pub ahead: *const u8,
    /// and then this many bytes further.
    pub ahead_step: isize,
    /// Finished lines of a result,
    pub from: *const u8,
    /// written past the caches,
    pub to: *mut u8,
    /// at most so many.
    pub lines: usize,
}

impl Aside {
    /// Nothing.
    pub const NONE: Aside = Aside {
        ahead: core::ptr::null(),
        ahead_step: 0,
        from: core::ptr::null(),
        to: core::ptr::null_mut(),
        lines: 0,
    };

    /// What is left of the lines after a tile with a sum of so many steps.
    pub unsafe fn advance(&mut self, steps: usize) {
        let moved = self.lines.min(steps / 4);
        self.from = self.from.add(64 * moved);
        self.to = self.to.add(64 * moved);
        self.lines -= moved;
    }
}

/// What one call of a tile kernel computes: `batch` tiles, all strides in elements.
#[derive(Clone, Copy)]
pub struct Tile {
    /// The first element of the operand in vectors; along a vector its stride is 1.
    pub x: *const u8,
    /// Its stride along the sum.
    pub x_step: isize,
    /// The first element of the operand that is broadcast.
    pub y: *const u8,
    /// Its stride along the sum.
    pub y_step: isize,
    /// Its stride from column to column.
    pub y_column: isize,
    /// The stretches of the sum, in order.
    pub segments: *const Segment,
    /// How many.
    pub segment_count: usize,
    /// The first element of the result; along a vector its stride is 1.
    pub c: *mut u8,
    /// Its stride from column to column, if `c_columns` is null.
    pub c_column: isize,
    /// Offsets of the columns, or null.
    pub c_columns: *const isize,
    /// How many elements of the last vector count, at least 1.
    pub last: usize,
    /// Whether the result is added to.
    pub accumulate: bool,
    /// Whether the result, aligned to cache lines, is written past the caches.
    pub stream: bool,
    /// What memory does meanwhile.
    pub aside: Aside,
    /// How many tiles lie behind each other.
    pub batch: usize,
    /// How far apart they are.
    pub x_batch: isize,
    /// How far apart they are.
    pub y_batch: isize,
    /// How far apart they are.
    pub c_batch: isize,
}

impl Tile {
    /// The offset of a column.
    #[inline(always)]
    unsafe fn column(&self, column: usize) -> isize {
        if self.c_columns.is_null() { column as isize * self.c_column } else { *self.c_columns.add(column) }
    }
}

/// A tile kernel.
pub type TileFn = unsafe fn(&Tile);

/// What a tile kernel knows of its operands: nothing;
pub const ANY: u8 = 0;
/// both are panels of exactly its size;
pub const PANELS: u8 = 1;
/// the one that is broadcast is contiguous along the sum (`y_step` is 1).
pub const ROWS: u8 = 2;

/// Steps between two looks at what is to be done aside: more often, and sums would not stay in registers.
const BETWEEN: usize = 16;

/// The tile kernel for `VECTORS` by `COLUMNS`. `TAIL`: the last vector may not be full. `KNOWN`: one of
/// [`ANY`], [`PANELS`] and [`ROWS`].
pub struct TileTask<'a, V, const VECTORS: usize, const COLUMNS: usize, const TAIL: bool, const KNOWN: u8>(
    pub &'a Tile,
    pub PhantomData<V>,
);

/// Does something for every column, written out: left to the optimizer, some of the larger tiles stay
/// loops over memory.
macro_rules! columns {
    ($column:ident => $body:block) => {
        columns!(@ $column $body, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23)
    };
    (@ $column:ident $body:block, $($number:literal)*) => {$(
        if $number < COLUMNS {
            let $column: usize = $number;
            $body
        }
    )*};
}

impl<V: Vector, const VECTORS: usize, const COLUMNS: usize, const TAIL: bool, const KNOWN: u8>
    TileTask<'_, V, VECTORS, COLUMNS, TAIL, KNOWN>
{
    /// Stores or adds one column.
    #[inline(always)]
    unsafe fn put(tile: &Tile, sums: [V; VECTORS], to: *mut V::Element) {
        for (place, sum) in sums.into_iter().enumerate() {
            let to = to.wrapping_add(place * V::LEN);
            if place + 1 == VECTORS && (TAIL || KNOWN != ANY && tile.last < V::LEN) {
                let sum = if tile.accumulate { V::load_part(to, tile.last).plus(sum) } else { sum };
                sum.store_part(to, tile.last);
            } else {
                let sum = if tile.accumulate { V::load(to).plus(sum) } else { sum };
                if KNOWN != ANY && tile.stream { sum.store_past(to) } else { sum.store(to) }
            }
        }
    }

    /// One step of every chain.
    #[inline(always)]
    unsafe fn step(
        tile: &Tile,
        sums: &mut [[V; VECTORS]; COLUMNS],
        x: *const V::Element,
        y: *const V::Element,
    ) {
        let mut vectors = [V::zero(); VECTORS];
        for (place, vector) in vectors.iter_mut().enumerate() {
            let from = x.wrapping_add(place * V::LEN);
            *vector =
                if TAIL && place + 1 == VECTORS { V::load_part(from, tile.last) } else { V::load(from) };
        }
        columns!(column => {
            let apart = if KNOWN == PANELS { 1 } else { tile.y_column };
            let factor = V::splat(y.wrapping_offset(column as isize * apart));
            let sums = sums.get_unchecked_mut(column);
            for (sum, vector) in sums.iter_mut().zip(vectors) {
                *sum = sum.multiply_add(vector, factor);
            }
        });
    }
}

impl<V: Vector, const VECTORS: usize, const COLUMNS: usize, const TAIL: bool, const KNOWN: u8> Task
    for TileTask<'_, V, VECTORS, COLUMNS, TAIL, KNOWN>
{
    #[inline(always)]
    unsafe fn run(&self) {
        // A copy, which no store changes.
        let tile = &{ *self.0 };
        for batch in 0..tile.batch as isize {
            let x = tile.x.cast::<V::Element>().wrapping_offset(batch * tile.x_batch);
            let y = tile.y.cast::<V::Element>().wrapping_offset(batch * tile.y_batch);
            let c = tile.c.cast::<V::Element>().wrapping_offset(batch * tile.c_batch);
            let Aside { mut ahead, ahead_step, mut from, mut to, mut lines } = tile.aside;
            let mut sums = [[V::zero(); VECTORS]; COLUMNS];
            for segment in 0..tile.segment_count {
                let segment = *tile.segments.add(segment);
                let (mut x, mut y) = (x.wrapping_offset(segment.x), y.wrapping_offset(segment.y));
                if KNOWN != ANY && tile.accumulate {
                    for column in 0..COLUMNS {
                        let to = c.wrapping_offset(tile.column(column));
                        for place in 0..VECTORS {
                            prefetch(to.wrapping_add(place * V::LEN).cast());
                        }
                    }
                }
                let mut left = segment.len;
                // Four steps at a time where strides are known, so that one address serves them all: fewer
                // instructions besides the arithmetic.
                let (width, count) = match KNOWN {
                    PANELS => ((VECTORS * V::LEN) as isize, COLUMNS),
                    _ => (tile.x_step, 1),
                };
                while KNOWN != ANY && left >= 4 {
                    // Without anything to be done aside the loop has no end before that of the sum.
                    let aside = KNOWN == ROWS || lines > 0;
                    let steps = if aside { left.min(BETWEEN) } else { left } / 4;
                    for _ in 0..steps {
                        Self::step(tile, &mut sums, x, y);
                        Self::step(tile, &mut sums, x.wrapping_offset(width), y.wrapping_add(count));
                        Self::step(tile, &mut sums, x.wrapping_offset(2 * width), y.wrapping_add(2 * count));
                        Self::step(tile, &mut sums, x.wrapping_offset(3 * width), y.wrapping_add(3 * count));
                        x = x.wrapping_offset(4 * width);
                        y = y.wrapping_add(4 * count);
                    }
                    left -= 4 * steps;
                    for _ in 0..if aside { steps } else { 0 } {
                        if KNOWN == ROWS {
                            prefetch(ahead);
                            ahead = ahead.wrapping_offset(ahead_step);
                        }
                        if lines > 0 {
                            V::stream_line(from, to);
                            (from, to) = (from.add(64), to.add(64));
                            lines -= 1;
                        }
                    }
                }
                for _ in 0..left {
                    Self::step(tile, &mut sums, x, y);
                    x = x.wrapping_offset(tile.x_step);
                    y = y.wrapping_offset(if KNOWN == PANELS { COLUMNS as isize } else { tile.y_step });
                }
            }
            columns!(column => {
                let to = c.wrapping_offset(tile.column(column));
                Self::put(tile, *sums.get_unchecked(column), to);
            });
        }
    }
}

/// Rows of a tile that lie behind each other in the result.
#[derive(Clone, Copy)]
pub struct Run {
    /// The first row.
    pub row: u32,
    /// How many.
    pub len: u32,
    /// Where the first row lies in the result, in elements.
    pub c: isize,
}

/// Spreads a finished tile over the result.
pub struct Scatter {
    /// The tile: columns of `stride` elements.
    pub tile: *const u8,
    /// Elements from column to column.
    pub stride: usize,
    /// The runs of rows.
    pub runs: *const Run,
    /// How many.
    pub run_count: usize,
    /// Offsets of the columns in the result.
    pub columns: *const isize,
    /// How many.
    pub column_count: usize,
    /// The result.
    pub c: *mut u8,
    /// Whether the result is added to.
    pub accumulate: bool,
    /// Whether the result is written past the caches where its alignment allows.
    pub stream: bool,
}

/// A function that spreads a tile.
pub type ScatterFn = unsafe fn(&Scatter);

/// Spreads a tile, run by run.
pub struct ScatterTask<'a, V>(pub &'a Scatter, pub PhantomData<V>);

impl<V: Vector> Task for ScatterTask<'_, V> {
    #[inline(always)]
    unsafe fn run(&self) {
        let task = self.0;
        let tile = task.tile.cast::<V::Element>();
        let c = task.c.cast::<V::Element>();
        for run in 0..task.run_count {
            let run = *task.runs.add(run);
            let len = run.len as usize;
            let bytes = len * size_of::<V::Element>();
            for column in 0..task.column_count {
                let from = tile.add(column * task.stride + run.row as usize);
                let to = c.wrapping_offset(*task.columns.add(column) + run.c);
                if task.stream && bytes >= 128 {
                    stream::<V>(from.cast(), to.cast(), bytes);
                } else {
                    put_run::<V>(from, to, (run.row as usize, len), task.accumulate);
                }
            }
        }
    }
}

/// The most bytes of a tile: 24 registers of 64 bytes, and more than that.
pub const TILE_BYTES: usize = 4 << 10;

/// Stores or adds `len` elements that begin at `row` of a tile's column.
#[inline(always)]
unsafe fn put_run<V: Vector>(
    from: *const V::Element,
    to: *mut V::Element,
    (row, len): (usize, usize),
    accumulate: bool,
) {
    if len == 1 {
        let value = from.read_unaligned();
        let value = if accumulate { to.read_unaligned().plus(value) } else { value };
        to.write_unaligned(value);
        return;
    }
    // Pieces never reach over two vectors of the tile: they were just written, and a load from two
    // pending stores waits for both.
    if V::HALF > 0 && row.is_multiple_of(V::HALF) && len.is_multiple_of(V::HALF) {
        for piece in 0..len / V::HALF {
            V::put_half(from.add(piece * V::HALF), to.add(piece * V::HALF), accumulate);
        }
        return;
    }
    let mut done = 0;
    while done < len {
        let count = (len - done).min(V::LEN - (row + done) % V::LEN);
        let (from, to) = (from.add(done), to.add(done));
        let value = V::load_part(from, count);
        let value = if accumulate { V::load_part(to, count).plus(value) } else { value };
        value.store_part(to, count);
        done += count;
    }
}

/// Writes `bytes` past the caches.
pub type StreamFn = unsafe fn(from: *const u8, to: *mut u8, bytes: usize);

/// Writes so many bytes past the caches.
pub struct StreamTask<V>(pub *const u8, pub *mut u8, pub usize, pub PhantomData<V>);

impl<V: Vector> Task for StreamTask<V> {
    #[inline(always)]
    unsafe fn run(&self) {
        stream::<V>(self.0, self.1, self.2);
    }
}
