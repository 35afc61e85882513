//! The tiles of a packed block: strips of rows by strips of columns.

// The contract of every function here is that of `gemm`.
#![allow(unsafe_op_in_unsafe_fn)]

use crate::callbacks::Finished;
use crate::direct::{next_columns, next_rows};
use crate::kernel::{Aside, Run, Scatter, Segment, Tile, TileFn};
use crate::shape::{JOINED_BYTES, Shape};
use crate::table::Kernels;
use core::ptr;

/// Working memory, in pieces.
pub struct Blocks {
    pub x: *mut u8,
    pub y: *mut u8,
    pub tile: *mut u8,
    pub joined: *mut u8,
    pub x_m: *mut isize,
    pub c_m: *mut isize,
    pub y_n: *mut isize,
    pub c_n: *mut isize,
    pub x_k: *mut isize,
    pub y_k: *mut isize,
    pub runs: *mut Run,
    pub m_strips: *mut Strip,
    pub n_strips: *mut Strip,
}

/// A strip of rows (or columns) of a block: one tile wide.
#[derive(Clone, Copy)]
pub struct Strip {
    /// The first row within the block.
    pub start: usize,
    /// How many rows.
    pub count: usize,
    /// How many vectors they fill.
    pub vectors: usize,
    /// How many rows the panels before this one have, those that are zero included.
    pub padded: usize,
    /// Where the panel begins, in elements.
    pub panel: usize,
    /// The first run of rows in the result, and how many there are.
    pub runs: (usize, usize),
    /// How far apart columns lie in the result; 0: not evenly.
    pub step: isize,
    /// How many strips of rows, this one and those behind it, are full and continue each other in the result.
    pub alike: usize,
}

impl Strip {
    const EMPTY: Strip =
        Strip { start: 0, count: 0, vectors: 0, padded: 0, panel: 0, runs: (0, 0), step: 0, alike: 1 };
}

/// How tiles read the operand that is broadcast.
pub struct Broadcast {
    /// The block's first element.
    pub from: *const u8,
    /// Whether it lies in panels as wide as the strips.
    pub packed: bool,
    /// The stride along the sum, if it does not.
    pub step: isize,
    /// The stride along the columns.
    pub column: isize,
}

/// How tiles are stored.
#[derive(Clone, Copy)]
pub struct Store {
    pub accumulate: bool,
    pub stream: bool,
    /// Nothing is to be done when a tile is finished.
    pub quiet: bool,
    /// The rows of a segment, if its columns are written at once.
    pub joined: usize,
}

/// Cuts the columns of a block into strips of which there are tiles.
pub unsafe fn column_strips(blocks: &Blocks, kernels: &Kernels, nc: usize, shape: &Shape) -> usize {
    let (mut start, mut strips) = (0, 0);
    while start < nc {
        let rest = nc - start;
        let mut count = shape.columns;
        if rest < 2 * shape.columns && rest != shape.columns {
            count = next_columns(kernels, shape.vectors, shape.columns, rest);
        }
        let table = blocks.c_n.add(start);
        let step = if count > 1 { *table.add(1) - *table } else { 0 };
        let even = (1..count).all(|column| *table.add(column) == *table + column as isize * step);
        let step = if even { step } else { 0 };
        blocks.n_strips.add(strips).write(Strip { start, count, step, ..Strip::EMPTY });
        strips += 1;
        start += count;
    }
    strips
}

/// Cuts the rows of a block into strips of vectors, and notes how each lies in the result.
pub unsafe fn row_strips(
    blocks: &Blocks,
    kernels: &Kernels,
    (ic, mc): (usize, usize),
    shape: &Shape,
    c: usize,
) -> usize {
    let (mut start, mut strips, mut runs, mut padded) = (0, 0, 0, 0);
    while start < mc {
        let to_segment = shape.segment - (ic + start) % shape.segment;
        let table = blocks.c_m.add(start);
        let mut count = next_rows(shape.vectors, kernels.len, (mc - start).min(to_segment));
        if shape.stream && !shape.joined && !shape.plane && (start == 0 || to_segment == shape.segment) {
            // A short tile first, so that all others begin with a cache line.
            let place = c.wrapping_add_signed(*table * kernels.bytes as isize);
            let head = place.wrapping_neg() % 64 / kernels.bytes;
            count = if head > 0 { count.min(head) } else { count };
        }
        let first = runs;
        let mut row = 0;
        while row < count {
            let mut len = 1;
            while row + len < count && *table.add(row + len) == *table.add(row) + len as isize {
                len += 1;
            }
            blocks.runs.add(runs).write(Run { row: row as u32, len: len as u32, c: *table.add(row) });
            runs += 1;
            row += len;
        }
        let vectors = count.div_ceil(kernels.len);
        blocks.m_strips.add(strips).write(Strip {
            start,
            count,
            vectors,
            padded,
            panel: 0,
            runs: (first, runs - first),
            ..Strip::EMPTY
        });
        padded += vectors * kernels.len;
        strips += 1;
        start += count;
    }
    note_alike(blocks, kernels, strips);
    strips
}

/// Notes which strips of rows continue those before them.
unsafe fn note_alike(blocks: &Blocks, kernels: &Kernels, strips: usize) {
    let place = |strip: &Strip| *blocks.c_m.add(strip.start);
    for number in (1..strips).rev() {
        let (strip, next) = (&mut *blocks.m_strips.add(number - 1), &*blocks.m_strips.add(number));
        if strip.count == next.count
            && strip.count == strip.vectors * kernels.len
            && (strip.runs.1, next.runs.1) == (1, 1)
            && place(next) == place(strip) + strip.count as isize
        {
            strip.alike = next.alike + 1;
        }
    }
}

/// Every tile of a packed block.
pub unsafe fn block(
    kernels: &Kernels,
    blocks: &Blocks,
    (y, c): (&Broadcast, *mut u8),
    (m_strips, n_strips, kc): (usize, usize, usize),
    how: Store,
    finish: impl Fn(&Finished),
) {
    // The strips of a segment go together if they are written together.
    let mut group = 1;
    while how.joined > 0 && group < m_strips && (*blocks.m_strips.add(group)).start < how.joined {
        group += 1;
    }
    // What is written past the caches is written in the order of memory.
    let jump = |table: *const isize, strips: *const Strip, place: usize, count: usize| {
        if place < count {
            (*table.add((*strips.add(place)).start) - *table).unsigned_abs()
        } else {
            usize::MAX
        }
    };
    let columns_inside = how.stream
        && jump(blocks.c_n, blocks.n_strips, 1, n_strips)
            < jump(blocks.c_m, blocks.m_strips, group, m_strips);
    let groups = m_strips / group;
    let (outer, inner) = if columns_inside { (groups, n_strips) } else { (n_strips, groups) };
    let (mut waiting, mut turn) = (Aside::NONE, 0);
    let write = |waiting: &mut Aside| {
        if waiting.lines > 0 {
            (kernels.stream)(waiting.from, waiting.to, waiting.lines * 64);
            waiting.lines = 0;
        }
    };
    for one in 0..outer {
        let mut two = 0;
        while two < inner {
            let (m_group, n_strip) = if columns_inside { (one, two) } else { (two, one) };
            let columns = *blocks.n_strips.add(n_strip);
            let joined = how.joined > 0 && (columns.count == 1 || columns.step == how.joined as isize);
            // Two buffers in turn: one is written past the caches while the other is filled.
            turn = 1 - turn;
            let buffer = blocks.joined.add(turn * JOINED_BYTES);
            let first = (*blocks.m_strips.add(m_group * group)).start;
            // Tiles of short sums that nobody waits for are computed by one call.
            let several = how.quiet && !columns_inside && how.joined == 0 && kc <= SHORT;
            let mut done = 1;
            for m_strip in m_group * group..m_group * group + group {
                let rows = *blocks.m_strips.add(m_strip);
                let to =
                    if joined { buffer.add((rows.start - first) * kernels.bytes) } else { ptr::null_mut() };
                let next = if n_strip + 1 < n_strips { columns.start + columns.count } else { columns.start };
                (waiting.ahead, waiting.ahead_step) = ahead(kernels, y, (next, columns.count), (m_strip, kc));
                let most = if several { rows.alike } else { 1 };
                done = tile(kernels, blocks, (y, c), (&rows, &columns, kc), (how, to, &mut waiting), most);
                finish(&Finished {
                    c,
                    rows: blocks.c_m.add(rows.start),
                    row_count: rows.count,
                    columns: blocks.c_n.add(columns.start),
                    column_count: columns.count,
                    contiguous: rows.runs.1 == 1,
                });
            }
            two += if several { done } else { 1 };
            write(&mut waiting);
            if joined {
                let offset = *blocks.c_m.add(first) + *blocks.c_n.add(columns.start);
                let to = c.wrapping_offset(offset * kernels.bytes as isize);
                let bytes = how.joined * columns.count * kernels.bytes;
                waiting = put_ends(kernels, buffer, to, bytes);
            }
        }
    }
    write(&mut waiting);
}

/// Writes what is not a whole line of the target; the lines between wait.
unsafe fn put_ends(kernels: &Kernels, from: *const u8, to: *mut u8, bytes: usize) -> Aside {
    let head = to.align_offset(64).min(bytes);
    let lines = (bytes - head) / 64;
    let tail = head + 64 * lines;
    (kernels.stream)(from, to, head);
    (kernels.stream)(from.add(tail), to.add(tail), bytes - tail);
    Aside { from: from.add(head), to: to.add(head), lines, ..Aside::NONE }
}

/// What the tile of a strip of rows asks for of the `count` columns from `next` on, and how it goes on: one
/// column, or, if they lie behind each other, its part of all.
fn ahead(
    kernels: &Kernels,
    y: &Broadcast,
    (next, count): (usize, usize),
    (m_strip, kc): (usize, usize),
) -> (*const u8, isize) {
    let bytes = kernels.bytes as isize;
    let at = |elements: isize| y.from.wrapping_offset(elements * bytes);
    let first = next as isize * y.column;
    if y.column == kc as isize {
        let parts = (count * kernels.bytes / 16).max(1);
        return (at(first).wrapping_add(m_strip % parts * (kc / 4) * 64), 64);
    }
    (at(first + (m_strip % count) as isize * y.column), 4 * bytes)
}

/// The kernel that knows the operands of a tile of so many vectors, less one, and columns, as there is for
/// most.
fn knowing(kernels: &Kernels, y: &Broadcast, (of, columns): (usize, usize)) -> Option<TileFn> {
    if !y.packed && y.step == 1 && columns == 8 {
        kernels.rows[of]
    } else if y.packed && columns == kernels.columns[of] {
        kernels.packed[of]
    } else if y.packed && columns == 8 && of < 2 {
        kernels.eight[of]
    } else {
        None
    }
}

/// Sums of so many elements are short.
const SHORT: usize = 64;

/// A tile, or, where possible, `most` of them; how many. Into `joined` if that is somewhere.
unsafe fn tile(
    kernels: &Kernels,
    blocks: &Blocks,
    (y, c): (&Broadcast, *mut u8),
    (rows, columns, kc): (&Strip, &Strip, usize),
    (how, joined, waiting): (Store, *mut u8, &mut Aside),
    most: usize,
) -> usize {
    let bytes = kernels.bytes;
    let segment = Segment { x: 0, y: 0, len: kc };
    let c_n = blocks.c_n.add(columns.start);
    let last = rows.count - (rows.vectors - 1) * kernels.len;
    let width = rows.vectors * kernels.len;
    let of = rows.vectors - 1;
    let knowing = knowing(kernels, y, (of, columns.count));
    let place = c.wrapping_offset(*blocks.c_m.add(rows.start) * bytes as isize);
    // Whole lines from registers, if a vector is one.
    let stream = how.stream
        && knowing.is_some()
        && kernels.len * bytes == 64
        && (place.addr().wrapping_add_signed(*c_n * bytes as isize)).is_multiple_of(64)
        && columns.step != 0
        && (columns.step.unsigned_abs() * bytes).is_multiple_of(64);
    let direct = joined.is_null() && rows.runs.1 == 1 && (!how.stream || stream);
    let (to, stride) = if !joined.is_null() {
        (joined, how.joined)
    } else if direct {
        (place, 0)
    } else {
        (blocks.tile, width)
    };
    let batch = if direct { most } else { 1 };
    let tile = Tile {
        x: blocks.x.add(rows.panel * bytes),
        x_step: width as isize,
        y: if y.packed {
            y.from.add(columns.start * kc * bytes)
        } else {
            y.from.wrapping_offset(columns.start as isize * y.column * bytes as isize)
        },
        y_step: if y.packed { columns.count as isize } else { y.step },
        y_column: y.column,
        segments: &segment,
        segment_count: 1,
        c: to,
        c_column: stride as isize,
        c_columns: if direct { c_n } else { ptr::null() },
        last,
        accumulate: direct && how.accumulate,
        stream: direct && stream,
        aside: *waiting,
        batch,
        x_batch: (width * kc) as isize,
        y_batch: 0,
        c_batch: width as isize,
    };
    let table = if last == kernels.len { &kernels.tiles } else { &kernels.tails };
    // Strips are only cut to sizes of which there are tiles.
    if let Some(function) = knowing.or(table[of][columns.count - 1]) {
        function(&tile);
    }
    if knowing.is_some() {
        waiting.advance(kc);
    }
    if !direct && joined.is_null() {
        (kernels.scatter)(&Scatter {
            tile: blocks.tile,
            stride: width,
            runs: blocks.runs.add(rows.runs.0),
            run_count: rows.runs.1,
            columns: c_n,
            column_count: columns.count,
            c,
            accumulate: how.accumulate,
            stream: how.stream,
        });
    }
    batch
}
