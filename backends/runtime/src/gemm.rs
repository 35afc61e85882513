//! The loop nest around the tile: blocks of the operands are packed so that they stay in a cache
//! for as long as they are used.

#![allow(unsafe_op_in_unsafe_fn)]

use crate::contraction::CHUNK;
use crate::kernel::{Run, Scatter, Segment, Tile};
use crate::pack::{Panel, pack};
use crate::plan::{Axes, Plan, offsets, second_fastest, sort_and_fuse};
use crate::table::Kernels;

/// Bytes of the block of `x` that stays in the second level cache.
pub const X_BYTES: usize = 512 << 10;
/// Bytes of the block of `y`.
pub const Y_BYTES: usize = 2 << 20;
/// The most rows or columns of a block.
pub const MAX_BLOCK: usize = 4096;
/// Bytes of one finished tile that is not stored straight to the result.
const TILE_BYTES: usize = 16 << 10;
/// What a cache line aligned piece of memory may lose.
const ALIGN: usize = 64;

/// Bytes of working memory that any contraction needs at most.
pub const WORKSPACE_BYTES: usize = X_BYTES
    + Y_BYTES
    + TILE_BYTES
    + 4 * MAX_BLOCK * size_of::<isize>()
    + 2 * CHUNK * size_of::<isize>()
    + MAX_BLOCK * size_of::<Run>()
    + 2 * MAX_BLOCK * size_of::<Strip>()
    + 16 * ALIGN;

/// A strip of rows (or columns) of a block: one tile wide.
#[derive(Clone, Copy)]
struct Strip {
    /// The first row within the block.
    start: usize,
    /// How many rows.
    count: usize,
    /// How many vectors they fill.
    vectors: usize,
    /// Where the panel begins, in elements.
    panel: usize,
    /// The first run of rows in the result, and how many there are.
    runs: (usize, usize),
    /// Whether offsets in the result rise by `step`.
    regular: bool,
    /// See `regular`.
    step: isize,
}

/// Working memory, cut into pieces.
struct Memory {
    next: *mut u8,
}

impl Memory {
    /// `count` items of type `T`, aligned to a cache line.
    unsafe fn take<T>(&mut self, count: usize) -> *mut T {
        let skip = self.next.align_offset(ALIGN);
        let piece = self.next.add(skip);
        self.next = piece.add(count * size_of::<T>());
        piece.cast()
    }
}

/// The pieces.
struct Blocks {
    x: *mut u8,
    y: *mut u8,
    tile: *mut u8,
    x_m: *mut isize,
    c_m: *mut isize,
    y_n: *mut isize,
    c_n: *mut isize,
    x_k: *mut isize,
    y_k: *mut isize,
    runs: *mut Run,
    m_strips: *mut Strip,
    n_strips: *mut Strip,
}

/// Computes a contraction by packing both operands.
///
/// # Safety
/// As for `tcc_contract`; `workspace` has [`WORKSPACE_BYTES`].
pub unsafe fn gemm(
    plan: &mut Plan,
    kernels: &Kernels,
    (x, y, c): (*const u8, *const u8, *mut u8),
    accumulate: bool,
    workspace: *mut u8,
) {
    sort_and_fuse(&mut plan.m);
    sort_and_fuse(&mut plan.n);
    sort_and_fuse(&mut plan.batch);
    second_fastest(&mut plan.m, |axis| axis.x);
    second_fastest(&mut plan.n, |axis| axis.y);
    let mut memory = Memory { next: workspace };
    let blocks = Blocks {
        x: memory.take(X_BYTES),
        y: memory.take(Y_BYTES),
        tile: memory.take(TILE_BYTES),
        x_m: memory.take(MAX_BLOCK),
        c_m: memory.take(MAX_BLOCK),
        y_n: memory.take(MAX_BLOCK),
        c_n: memory.take(MAX_BLOCK),
        x_k: memory.take(CHUNK),
        y_k: memory.take(CHUNK),
        runs: memory.take(MAX_BLOCK),
        m_strips: memory.take(MAX_BLOCK),
        n_strips: memory.take(MAX_BLOCK),
    };
    let bytes = kernels.bytes as isize;
    let mut batch = 0;
    while batch < plan.batch.size() {
        let (mut rest, mut ox, mut oy, mut oc) = (batch, 0, 0, 0);
        for axis in plan.batch.iter() {
            let index = (rest % axis.extent) as isize;
            rest /= axis.extent;
            ox += index * axis.x;
            oy += index * axis.y;
            oc += index * axis.c;
        }
        let operands =
            (x.wrapping_offset(ox * bytes), y.wrapping_offset(oy * bytes), c.wrapping_offset(oc * bytes));
        matrix(plan, kernels, operands, accumulate, &blocks);
        batch += 1;
    }
}

/// One matrix product.
unsafe fn matrix(
    plan: &Plan,
    kernels: &Kernels,
    (x, y, c): (*const u8, *const u8, *mut u8),
    accumulate: bool,
    blocks: &Blocks,
) {
    let (m, n, k) = (plan.m.size(), plan.n.size(), plan.k.size());
    let bytes = kernels.bytes;
    let vectors = if kernels.columns[1] > 0 && m > kernels.len { 2 } else { 1 };
    let rows = vectors * kernels.len;
    let columns = kernels.columns[vectors - 1].min(12);
    let depth = k.min(CHUNK);
    let m_block = (X_BYTES / (depth * bytes)).min(MAX_BLOCK) / rows * rows;
    let n_block = (Y_BYTES / (depth * bytes)).min(MAX_BLOCK) / columns * columns;
    let mut jc = 0;
    while jc < n {
        let nc = n_block.min(n - jc);
        offsets(&plan.n, (jc, nc), |axis| (axis.y, axis.c), (blocks.y_n, blocks.c_n));
        let n_strips = column_strips(blocks, kernels, nc, columns, vectors);
        let mut pc = 0;
        while pc < k {
            let kc = CHUNK.min(k - pc);
            offsets(&plan.k, (pc, kc), |axis| (axis.x, axis.y), (blocks.x_k, blocks.y_k));
            for strip in 0..n_strips {
                let strip = &mut *blocks.n_strips.add(strip);
                strip.panel = strip.start * kc;
                pack_panel(
                    bytes,
                    &Panel {
                        from: y,
                        rows: blocks.y_n.add(strip.start),
                        row_count: strip.count,
                        width: strip.count,
                        sum: blocks.y_k,
                        sum_count: kc,
                        to: blocks.y.add(strip.panel * bytes),
                    },
                );
            }
            let mut ic = 0;
            while ic < m {
                let mc = m_block.min(m - ic);
                offsets(&plan.m, (ic, mc), |axis| (axis.x, axis.c), (blocks.x_m, blocks.c_m));
                let m_strips = row_strips(blocks, kernels, mc, rows);
                for strip in 0..m_strips {
                    let strip = &mut *blocks.m_strips.add(strip);
                    strip.panel = strip.start * kc;
                    pack_panel(
                        bytes,
                        &Panel {
                            from: x,
                            rows: blocks.x_m.add(strip.start),
                            row_count: strip.count,
                            width: strip.vectors * kernels.len,
                            sum: blocks.x_k,
                            sum_count: kc,
                            to: blocks.x.add(strip.panel * bytes),
                        },
                    );
                }
                block(kernels, blocks, c, (m_strips, n_strips, kc), accumulate || pc > 0);
                ic += mc;
            }
            pc += kc;
        }
        jc += nc;
    }
}

unsafe fn pack_panel(bytes: usize, panel: &Panel) {
    match bytes {
        1 => pack::<u8>(panel),
        4 => pack::<u32>(panel),
        8 => pack::<u64>(panel),
        _ => pack::<[u64; 2]>(panel),
    }
}

/// Cuts the columns of a block into strips of which there are tiles.
unsafe fn column_strips(
    blocks: &Blocks,
    kernels: &Kernels,
    nc: usize,
    columns: usize,
    vectors: usize,
) -> usize {
    let (mut start, mut strips) = (0, 0);
    while start < nc {
        let mut count = columns.min(nc - start);
        while kernels.tiles[vectors - 1][count - 1].is_none() || kernels.tiles[0][count - 1].is_none() {
            count -= 1;
        }
        let table = blocks.c_n.add(start);
        let step = if count > 1 { *table.add(1) - *table } else { 0 };
        let regular = (1..count).all(|place| *table.add(place) == *table + place as isize * step);
        blocks.n_strips.add(strips).write(Strip {
            start,
            count,
            vectors: 0,
            panel: 0,
            runs: (0, 0),
            regular,
            step,
        });
        strips += 1;
        start += count;
    }
    strips
}

/// Cuts the rows of a block into strips of vectors, and notes how each lies in the result.
unsafe fn row_strips(blocks: &Blocks, kernels: &Kernels, mc: usize, rows: usize) -> usize {
    let (mut start, mut strips, mut runs) = (0, 0, 0);
    while start < mc {
        let count = rows.min(mc - start);
        let table = blocks.c_m.add(start);
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
        blocks.m_strips.add(strips).write(Strip {
            start,
            count,
            vectors: count.div_ceil(kernels.len),
            panel: 0,
            runs: (first, runs - first),
            regular: runs - first == 1,
            step: 1,
        });
        strips += 1;
        start += count;
    }
    strips
}

/// Every tile of a packed block.
unsafe fn block(
    kernels: &Kernels,
    blocks: &Blocks,
    c: *mut u8,
    (m_strips, n_strips, kc): (usize, usize, usize),
    accumulate: bool,
) {
    let bytes = kernels.bytes;
    let segment = Segment { x: 0, y: 0, len: kc };
    for n_strip in 0..n_strips {
        let columns = *blocks.n_strips.add(n_strip);
        for m_strip in 0..m_strips {
            let rows = *blocks.m_strips.add(m_strip);
            let last = rows.count - (rows.vectors - 1) * kernels.len;
            let width = rows.vectors * kernels.len;
            let direct = rows.regular;
            let c_n = blocks.c_n.add(columns.start);
            let place = c.wrapping_offset((*blocks.c_m.add(rows.start)) * bytes as isize);
            let tile = Tile {
                x: blocks.x.add(rows.panel * bytes),
                x_step: width as isize,
                y: blocks.y.add(columns.panel * bytes),
                y_step: columns.count as isize,
                y_column: 1,
                segments: &segment,
                segment_count: 1,
                c: if direct { place } else { blocks.tile },
                c_column: width as isize,
                c_columns: if direct { c_n } else { core::ptr::null() },
                last,
                accumulate: direct && accumulate,
                batch: 1,
                x_batch: 0,
                y_batch: 0,
                c_batch: 0,
            };
            let full = last == kernels.len;
            let of = rows.vectors - 1;
            let function = if full && columns.count == kernels.columns[of] {
                kernels.packed[of]
            } else if full {
                kernels.tiles[of][columns.count - 1]
            } else {
                kernels.tails[of][columns.count - 1]
            };
            // Strips are only cut to sizes of which there are tiles.
            if let Some(function) = function {
                function(&tile);
            }
            if !direct {
                (kernels.scatter)(&Scatter {
                    tile: blocks.tile,
                    stride: width,
                    runs: blocks.runs.add(rows.runs.0),
                    run_count: rows.runs.1,
                    columns: c_n,
                    column_count: columns.count,
                    c,
                    accumulate,
                });
            }
        }
    }
}

/// Fills the result with zero: nothing is summed.
///
/// # Safety
/// `c` is valid at every offset of the free axes.
pub unsafe fn clear(axes: [&Axes; 3], bytes: usize, c: *mut u8) {
    let sizes = axes.map(Axes::size);
    for flat in 0..sizes.iter().product() {
        let (mut rest, mut offset) = (flat, 0);
        for axis in axes.iter().flat_map(|axes| axes.iter()) {
            offset += (rest % axis.extent) as isize * axis.c;
            rest /= axis.extent;
        }
        c.wrapping_offset(offset * bytes as isize).write_bytes(0, bytes);
    }
}
