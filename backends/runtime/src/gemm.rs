//! The loop nest around the tile: blocks of the operands are packed so that they stay in a cache
//! for as long as they are used.

#![allow(unsafe_op_in_unsafe_fn)]

use crate::callbacks::{Callbacks, Finished};
use crate::contraction::CHUNK;
use crate::direct::next_columns;
use crate::kernel::{Run, Scatter, Segment, TILE_BYTES, Tile};
use crate::pack::{Panel, Plane};
use crate::plan::{Axes, Plan, PlanAxis, offsets, second_fastest, sort_and_fuse};
use crate::table::Kernels;
use crate::vector::fence;

/// Bytes of the block of `x` if its panels are packed together: more than usual, to use whole lines.
const PLANE_BYTES: usize = 1 << 20;
/// The most rows of a panel's axis that are packed together.
const MAX_PIECE: usize = 512;
/// Bytes of the block of `x` that stays in the second level cache.
pub const X_BYTES: usize = 512 << 10;
/// The same with the rows that fill up vectors, which are a tenth at most, but for the last tile.
const X_BYTES_PADDED: usize = PLANE_BYTES + PLANE_BYTES / 8 + CHUNK * 4 * 64;
/// Bytes of the block of `y`.
pub const Y_BYTES: usize = 2 << 20;
/// The most rows or columns of a block.
pub const MAX_BLOCK: usize = 4096;
/// A result of this many bytes is written past the caches: it does not fit them anyway.
const STREAM_BYTES: usize = 16 << 20;
/// Bytes of the columns of one tile and the rows of one segment.
const JOINED_BYTES: usize = 16 << 10;
/// What a cache line aligned piece of memory may lose.
const ALIGN: usize = 64;

/// Bytes of working memory that any contraction needs at most.
pub const WORKSPACE_BYTES: usize = X_BYTES_PADDED
    + Y_BYTES
    + TILE_BYTES
    + JOINED_BYTES
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
    /// How many rows the panels before this one have, those that are zero included.
    padded: usize,
    /// Where the panel begins, in elements.
    panel: usize,
    /// The first run of rows in the result, and how many there are.
    runs: (usize, usize),
    /// How far apart columns lie in the result; 0: not evenly.
    step: isize,
}

impl Strip {
    const EMPTY: Strip = Strip { start: 0, count: 0, vectors: 0, padded: 0, panel: 0, runs: (0, 0), step: 0 };
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
    joined: *mut u8,
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
    (accumulate, callbacks): (bool, &Callbacks),
    workspace: *mut u8,
) {
    sort_and_fuse(&mut plan.m);
    sort_and_fuse(&mut plan.n);
    sort_and_fuse(&mut plan.batch);
    second_fastest(&mut plan.m, |axis| axis.x);
    let pack_x = if plan.swapped { callbacks.pack_b } else { callbacks.pack_a };
    let plane = pack_x.is_none() && cut_plane(plan, kernels);
    let shape = shape(plan, kernels, (accumulate, plane), callbacks);
    second_fastest(&mut plan.n, |axis| axis.y);
    let mut memory = Memory { next: workspace };
    let blocks = Blocks {
        x: memory.take(X_BYTES_PADDED),
        y: memory.take(Y_BYTES),
        tile: memory.take(TILE_BYTES),
        joined: memory.take(JOINED_BYTES),
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
        matrix(plan, &shape, kernels, operands, (accumulate, callbacks), &blocks);
        batch += 1;
    }
}

/// If `x` and the result are contiguous along different axes, panels are packed together, by transposes
/// of the rows of one by the panels: a block holds enough of both axes to use whole cache lines. True
/// if so; the first axis is then cut to the rows of a segment.
fn cut_plane(plan: &mut Plan, kernels: &Kernels) -> bool {
    let [first, second, ..] = plan.m[..] else { return false };
    if kernels.side < 2 || first.c != 1 || first.x.unsigned_abs() == 1 || second.x != 1 {
        return false;
    }
    let across = second.extent.min(64 / kernels.bytes);
    let room = PLANE_BYTES / (plan.k.size().min(CHUNK) * kernels.bytes) / across;
    let len = kernels.len;
    // The longest piece of the first axis that fills its vectors, or as good as can be had.
    let piece = |of_ten: usize| {
        (len * 3 / 4..=room.min(first.extent).min(MAX_PIECE)).rev().find(|rows| {
            first.extent.is_multiple_of(*rows) && 10 * rows >= of_ten * rows.next_multiple_of(len)
        })
    };
    let Some(rows) = piece(9).or_else(|| piece(7)) else { return false };
    if rows < first.extent {
        plan.m[0].extent = rows;
        let along = |stride: isize| stride * rows as isize;
        let slow = PlanAxis { extent: first.extent / rows, x: along(first.x), y: 0, c: along(first.c) };
        plan.m.insert(2, slow);
    }
    true
}

/// How a matrix product is cut into blocks and tiles.
struct Shape {
    m: usize,
    n: usize,
    k: usize,
    /// Vectors and columns of the largest tile.
    vectors: usize,
    columns: usize,
    /// Rows and columns of a block.
    m_block: usize,
    n_block: usize,
    /// Tiles do not reach over a multiple of this many rows: there the result begins elsewhere.
    segment: usize,
    /// All of `y` is packed at once, so that a block of the result is finished before the next one.
    y_once: bool,
    /// `y` is read where it lies.
    y_in_place: bool,
    /// The result is written past the caches.
    stream: bool,
    /// Segments are packed together.
    plane: bool,
    /// All rows of a segment, and of all columns of a tile, lie behind each other: they are written at once.
    joined: bool,
}

/// The first so many rows lie behind each other in the result.
fn contiguous_rows(axes: &[PlanAxis]) -> usize {
    let mut rows = 1_usize;
    for axis in axes {
        if axis.c != rows as isize {
            break;
        }
        rows = rows.saturating_mul(axis.extent);
    }
    rows
}

/// Chooses tiles and blocks.
fn shape(plan: &Plan, kernels: &Kernels, (accumulate, plane): (bool, bool), callbacks: &Callbacks) -> Shape {
    let (m, n, k) = (plan.m.size(), plan.n.size(), plan.k.size());
    let (bytes, len) = (kernels.bytes, kernels.len);
    let run = if plane { plan.m[0].extent } else { contiguous_rows(&plan.m) };
    let wide = |vectors: usize| kernels.columns[vectors - 1];
    let vectors = if m <= len || wide(2) == 0 {
        1
    } else if wide(3) > 0
        && (n <= wide(3) && m > 2 * len
            || run % (2 * len) != 0 && (run % (3 * len) == 0 || 2 * run == 3 * len))
    {
        3
    } else {
        2
    };
    let columns = if vectors == 1 && n > wide(1) { wide(1).min(12) } else { wide(vectors) };
    // Rows that fill their vectors well are worth a tile that ends where they end.
    let fills = |of_four: usize| run >= len && 4 * run >= of_four * run.next_multiple_of(len);
    let large = !accumulate
        && callbacks.epilogue.is_none()
        && k <= CHUNK
        && m.saturating_mul(n).saturating_mul(bytes) >= STREAM_BYTES;
    // With short sums all that counts is to write whole lines.
    let joined = large
        && plan.n.first().is_some_and(|axis| axis.c == run as isize)
        && run.saturating_mul(columns).saturating_mul(bytes) <= JOINED_BYTES
        && (fills(3) && k <= 64 || 10 * run >= 9 * run.next_multiple_of(len) && run >= len);
    let (vectors, columns) = if joined && run <= 2 * len && vectors == 3 && run % (3 * len) != 0 {
        (2, wide(2))
    } else {
        (vectors, columns)
    };
    let joined = joined && run.saturating_mul(columns).saturating_mul(bytes) <= JOINED_BYTES;
    let rows = vectors * len;
    let segment = if joined || plane || run >= len && 10 * run >= 9 * run.next_multiple_of(len) {
        run
    } else {
        usize::MAX
    };
    let depth = k.min(CHUNK);
    let whole = if segment < MAX_BLOCK { segment } else { rows };
    // Room for the rows that fill up the vectors of every segment.
    let fitting = if plane { PLANE_BYTES } else { X_BYTES } / (depth * bytes);
    let fitting = match segment {
        usize::MAX => fitting,
        _ => (fitting as u128 * run as u128 / run.next_multiple_of(len) as u128) as usize,
    };
    let fitting = fitting.min(MAX_BLOCK);
    let m_block = if fitting >= whole { fitting / whole * whole } else { fitting / rows * rows };
    // Whole lines, and the axis in pieces that end together, where panels are packed together.
    let m_block = match &plan.m[..] {
        [first, second, ..] if plane && m_block >= first.extent => {
            let count = m_block / first.extent;
            let unit = if count >= second.extent { second.extent } else { (64 / bytes).min(count) };
            (count / unit * unit).max(1) * first.extent
        }
        _ => m_block,
    };
    // What few rows read again is not worth packing if its lines are used whole.
    let pack_y = if plan.swapped { callbacks.pack_a } else { callbacks.pack_b };
    let y_in_place = pack_y.is_none()
        && m <= 3 * rows
        && match (&plan.n[..], &plan.k[..]) {
            ([n], [k]) => n.y == 1 || k.y == 1 && !(n.y.unsigned_abs() * bytes).is_multiple_of(1024),
            _ => false,
        };
    let n_bytes = if y_in_place { usize::MAX } else { Y_BYTES };
    let n_block = (n_bytes / (depth * bytes)).min(MAX_BLOCK) / columns * columns;
    let whole_segments = m_block % segment == 0;
    Shape {
        m,
        n,
        k,
        vectors,
        columns,
        m_block,
        n_block,
        segment: if whole_segments || segment > m_block { segment } else { usize::MAX },
        y_once: n <= n_block && n.saturating_mul(k).saturating_mul(bytes) <= Y_BYTES,
        y_in_place,
        stream: large && (joined || whole_segments && segment.saturating_mul(bytes) >= 1 << 10),
        plane: plane && whole_segments,
        joined: joined && whole_segments,
    }
}

/// One matrix product.
unsafe fn matrix(
    plan: &Plan,
    shape: &Shape,
    kernels: &Kernels,
    (x, y, c): (*const u8, *const u8, *mut u8),
    (accumulate, callbacks): (bool, &Callbacks),
    blocks: &Blocks,
) {
    let Callbacks { pack_a, pack_b, .. } = *callbacks;
    let (pack_x, pack_y) = if plan.swapped { (pack_b, pack_a) } else { (pack_a, pack_b) };
    let mut jc = 0;
    while jc < shape.n {
        let nc = shape.n_block.min(shape.n - jc);
        offsets(&plan.n, (jc, nc), |axis| (axis.y, axis.c), (blocks.y_n, blocks.c_n));
        let n_strips = column_strips(blocks, kernels, nc, shape);
        // The sum outside and the rows inside, or the other way around.
        let k_outer = if shape.y_once { shape.k } else { CHUNK };
        let mut po = 0;
        while po < shape.k {
            let mut pc = po;
            while pc < shape.k.min(po + k_outer) && !shape.y_in_place {
                let kc = CHUNK.min(shape.k - pc);
                offsets(&plan.k, (pc, kc), |axis| (axis.x, axis.y), (blocks.x_k, blocks.y_k));
                for strip in 0..n_strips {
                    let strip = &*blocks.n_strips.add(strip);
                    pack_panel(
                        (kernels, pack_y, callbacks),
                        &Panel {
                            from: y,
                            rows: blocks.y_n.add(strip.start),
                            row_count: strip.count,
                            width: strip.count,
                            sum: blocks.y_k,
                            sum_count: kc,
                            to: blocks.y.add(((pc - po) * nc + strip.start * kc) * kernels.bytes),
                        },
                    );
                }
                pc += kc;
            }
            let mut ic = 0;
            while ic < shape.m {
                let mc = shape.m_block.min(shape.m - ic);
                offsets(&plan.m, (ic, mc), |axis| (axis.x, axis.c), (blocks.x_m, blocks.c_m));
                let m_strips = row_strips(blocks, kernels, (ic, mc), shape, c as usize);
                let mut pc = po;
                while pc < shape.k.min(po + k_outer) {
                    let kc = CHUNK.min(shape.k - pc);
                    offsets(&plan.k, (pc, kc), |axis| (axis.x, axis.y), (blocks.x_k, blocks.y_k));
                    let how = (kernels, pack_x, callbacks);
                    let first = if shape.plane {
                        pack_planes(kernels, blocks, x, (m_strips, kc), shape.segment)
                    } else {
                        0
                    };
                    pack_rows(how, blocks, x, (first, m_strips, kc));
                    let y = if shape.y_in_place {
                        let (n, k) = (plan.n[0].y, plan.k[0].y);
                        let offset = (jc as isize * n + pc as isize * k) * kernels.bytes as isize;
                        Broadcast { from: y.wrapping_offset(offset), packed: false, step: k, column: n }
                    } else {
                        let panels = blocks.y.add((pc - po) * nc * kernels.bytes);
                        Broadcast { from: panels, packed: true, step: 0, column: 1 }
                    };
                    let how = Store {
                        accumulate: accumulate || pc > 0,
                        stream: shape.stream,
                        joined: if shape.joined { shape.segment } else { 0 },
                    };
                    block(kernels, blocks, (&y, c), (m_strips, n_strips, kc), how, |finished| {
                        if let Some(epilogue) = callbacks.epilogue
                            && pc + kc == shape.k
                        {
                            epilogue(callbacks.context, finished);
                        }
                    });
                    pc += kc;
                }
                ic += mc;
            }
            po += k_outer;
        }
        jc += nc;
    }
    if shape.stream {
        // Stores past the caches are ordered by nothing else.
        fence();
    }
}

/// How a panel is packed: with these kernels, or by this callback.
type Packing<'a> = (&'a Kernels, Option<unsafe extern "C" fn(*mut u8, *const Panel)>, &'a Callbacks);

/// Packs one panel.
unsafe fn pack_panel((kernels, callback, callbacks): Packing, panel: &Panel) {
    let Some(callback) = callback else { return (kernels.pack)(panel) };
    callback(callbacks.context, panel);
}

/// How tiles read the operand that is broadcast.
struct Broadcast {
    /// The block's first element.
    from: *const u8,
    /// Whether it lies in panels as wide as the strips.
    packed: bool,
    /// The stride along the sum, if it does not.
    step: isize,
    /// The stride along the columns.
    column: isize,
}

/// How tiles are stored.
#[derive(Clone, Copy)]
struct Store {
    accumulate: bool,
    stream: bool,
    /// The rows of a segment, if its columns are written at once.
    joined: usize,
}

/// Packs segments together as long as they are contiguous in the operand; the number of strips done.
unsafe fn pack_planes(
    kernels: &Kernels,
    blocks: &Blocks,
    x: *const u8,
    (strips, kc): (usize, usize),
    segment: usize,
) -> usize {
    let strip = |number: usize| &mut *blocks.m_strips.add(number);
    let mut per_segment = 1;
    while per_segment < strips && strip(per_segment).start < segment {
        per_segment += 1;
    }
    let mut done = 0;
    while done < strips {
        let first = strip(done).start;
        let mut count = 1;
        while done + (count + 1) * per_segment <= strips
            && *blocks.x_m.add(first + count * segment) == *blocks.x_m.add(first) + count as isize
        {
            count += 1;
        }
        count -= count % kernels.side;
        if count == 0 {
            break;
        }
        for number in done..done + count * per_segment {
            strip(number).panel = strip(number).padded * kc;
        }
        let apart = if count > 1 { strip(done + per_segment).panel - strip(done).panel } else { 0 };
        for number in done..done + per_segment {
            let strip = strip(number);
            let panel = Panel {
                from: x,
                rows: blocks.x_m.add(strip.start),
                row_count: strip.count,
                width: strip.vectors * kernels.len,
                sum: blocks.x_k,
                sum_count: kc,
                to: blocks.x.add(strip.panel * kernels.bytes),
            };
            (kernels.plane)(&Plane { panel, count, apart });
        }
        done += count * per_segment;
    }
    done
}

/// Packs the rows of a block.
unsafe fn pack_rows(
    (kernels, pack_x, callbacks): Packing,
    blocks: &Blocks,
    x: *const u8,
    (first, strips, kc): (usize, usize, usize),
) {
    // Neighbouring panels share cache lines if the rows are contiguous in short runs: they are packed
    // together, a few summed indices at a time.
    let along_sum = kc > 1 && *blocks.x_k.add(1) == *blocks.x_k + 1;
    let (group, depth) = if along_sum { (1, kc) } else { (8, 32) };
    let mut first = first;
    while first < strips {
        let end = strips.min(first + group);
        let mut k = 0;
        while k < kc {
            let count = depth.min(kc - k);
            for strip in first..end {
                let strip = &mut *blocks.m_strips.add(strip);
                let width = strip.vectors * kernels.len;
                strip.panel = strip.padded * kc;
                pack_panel(
                    (kernels, pack_x, callbacks),
                    &Panel {
                        from: x,
                        rows: blocks.x_m.add(strip.start),
                        row_count: strip.count,
                        width,
                        sum: blocks.x_k.add(k),
                        sum_count: count,
                        to: blocks.x.add((strip.panel + k * width) * kernels.bytes),
                    },
                );
            }
            k += count;
        }
        first = end;
    }
}

/// Cuts the columns of a block into strips of which there are tiles.
unsafe fn column_strips(blocks: &Blocks, kernels: &Kernels, nc: usize, shape: &Shape) -> usize {
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
unsafe fn row_strips(
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
        let mut count = (shape.vectors * kernels.len).min(mc - start).min(to_segment);
        if shape.stream && !shape.joined && !shape.plane && to_segment == shape.segment {
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
            step: 0,
        });
        padded += vectors * kernels.len;
        strips += 1;
        start += count;
    }
    strips
}

/// Every tile of a packed block.
unsafe fn block(
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
    for one in 0..outer {
        for two in 0..inner {
            let (m_group, n_strip) = if columns_inside { (one, two) } else { (two, one) };
            let columns = *blocks.n_strips.add(n_strip);
            let joined = how.joined > 0 && (columns.count == 1 || columns.step == how.joined as isize);
            let first = (*blocks.m_strips.add(m_group * group)).start;
            for m_strip in m_group * group..m_group * group + group {
                let rows = *blocks.m_strips.add(m_strip);
                let joined = if joined { Some(rows.start - first) } else { None };
                tile(kernels, blocks, (y, c), (&rows, &columns, kc), (how, joined));
                finish(&Finished {
                    c,
                    rows: blocks.c_m.add(rows.start),
                    row_count: rows.count,
                    columns: blocks.c_n.add(columns.start),
                    column_count: columns.count,
                    contiguous: rows.runs.1 == 1,
                });
            }
            if joined {
                let offset = *blocks.c_m.add(first) + *blocks.c_n.add(columns.start);
                let to = c.wrapping_offset(offset * kernels.bytes as isize);
                (kernels.stream)(blocks.joined, to, how.joined * columns.count * kernels.bytes);
            }
        }
    }
}

/// One tile; `joined` is its first row within the buffer of a segment.
unsafe fn tile(
    kernels: &Kernels,
    blocks: &Blocks,
    (y, c): (&Broadcast, *mut u8),
    (rows, columns, kc): (&Strip, &Strip, usize),
    (how, joined): (Store, Option<usize>),
) {
    let bytes = kernels.bytes;
    let segment = Segment { x: 0, y: 0, len: kc };
    let c_n = blocks.c_n.add(columns.start);
    let last = rows.count - (rows.vectors - 1) * kernels.len;
    let width = rows.vectors * kernels.len;
    let direct = joined.is_none() && rows.runs.1 == 1 && !how.stream;
    let (to, stride) = match joined {
        Some(row) => (blocks.joined.add(row * bytes), how.joined),
        None if direct => (c.wrapping_offset(*blocks.c_m.add(rows.start) * bytes as isize), 0),
        None => (blocks.tile, width),
    };
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
        c_columns: if direct { c_n } else { core::ptr::null() },
        last,
        accumulate: direct && how.accumulate,
        batch: 1,
        x_batch: 0,
        y_batch: 0,
        c_batch: 0,
    };
    let full = last == kernels.len;
    let of = rows.vectors - 1;
    let function = if full && y.packed && columns.count == kernels.columns[of] {
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
    if !direct && joined.is_none() {
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
}

/// Fills the result with zero: nothing is summed.
///
/// # Safety
/// `c` is valid at every offset of the free axes.
pub unsafe fn clear(axes: [&Axes; 3], bytes: usize, c: *mut u8, accumulate: bool, callbacks: &Callbacks) {
    let sizes = axes.map(Axes::size);
    for flat in 0..sizes.iter().product() {
        let (mut rest, mut offset) = (flat, 0);
        for axis in axes.iter().flat_map(|axes| axes.iter()) {
            offset += (rest % axis.extent) as isize * axis.c;
            rest /= axis.extent;
        }
        let c = c.wrapping_offset(offset * bytes as isize);
        if !accumulate {
            c.write_bytes(0, bytes);
        }
        if let Some(epilogue) = callbacks.epilogue {
            let (rows, columns) = (&0, &0);
            let tile = Finished { c, rows, row_count: 1, columns, column_count: 1, contiguous: true };
            epilogue(callbacks.context, &tile);
        }
    }
}
