//! How a matrix product is cut into blocks, segments and tiles.

use crate::callbacks::Callbacks;
use crate::contraction::CHUNK;
use crate::plan::{Plan, PlanAxis};
use crate::table::Kernels;

/// Bytes of the block of `x` if its panels are packed together: more than usual, to use whole lines.
pub const PLANE_BYTES: usize = 1 << 20;
/// The most rows of a panel's axis that are packed together.
const MAX_PIECE: usize = 512;
/// Bytes of the block of `x` that stays in the second level cache.
pub const X_BYTES: usize = 512 << 10;
/// Bytes of the block of `y`.
pub const Y_BYTES: usize = 2 << 20;
/// The most rows or columns of a block.
pub const MAX_BLOCK: usize = 4096;
/// A result of this many bytes is written past the caches: it does not fit them anyway.
const STREAM_BYTES: usize = 16 << 20;
/// Bytes of the columns of one tile and the rows of one segment.
pub const JOINED_BYTES: usize = 16 << 10;

/// If `x` and the result are contiguous along different axes, panels are packed together, by transposes
/// of the rows of one by the panels: a block holds enough of both axes to use whole cache lines. True
/// if so; the first axis is then cut to the rows of a segment.
pub fn cut_plane(plan: &mut Plan, kernels: &Kernels) -> bool {
    let [first, second, ..] = plan.m[..] else { return false };
    if kernels.side < 2 || first.c != 1 || first.x.unsigned_abs() == 1 || second.x != 1 {
        return false;
    }
    let len = kernels.len;
    let room = |lines: usize| {
        let across = second.extent.min(lines * 64 / kernels.bytes);
        PLANE_BYTES / (plan.k.size().min(CHUNK) * kernels.bytes) / across
    };
    // The longest piece of the first axis that fills its vectors, or as good as can be had.
    let piece = |lines: usize, of_ten: usize| {
        (len * 3 / 4..=room(lines).min(first.extent).min(MAX_PIECE)).rev().find(|rows| {
            first.extent.is_multiple_of(*rows) && 10 * rows >= of_ten * rows.next_multiple_of(len)
        })
    };
    let Some(rows) =
        [(2, 9), (1, 9), (2, 7), (1, 7)].into_iter().find_map(|(lines, of_ten)| piece(lines, of_ten))
    else {
        return false;
    };
    if rows < first.extent {
        plan.m[0].extent = rows;
        let along = |stride: isize| stride * rows as isize;
        let slow = PlanAxis { extent: first.extent / rows, x: along(first.x), y: 0, c: along(first.c) };
        plan.m.insert(2, slow);
    }
    true
}

/// How a matrix product is cut into blocks and tiles.
pub struct Shape {
    /// Rows.
    pub m: usize,
    /// Columns.
    pub n: usize,
    /// Elements of a sum.
    pub k: usize,
    /// Vectors and columns of the largest tile.
    pub vectors: usize,
    pub columns: usize,
    /// Rows and columns of a block.
    pub m_block: usize,
    pub n_block: usize,
    /// Tiles do not reach over a multiple of this many rows: there the result begins elsewhere.
    pub segment: usize,
    /// All of `y` is packed at once, so that a block of the result is finished before the next one.
    pub y_once: bool,
    /// `y` is read where it lies.
    pub y_in_place: bool,
    /// The result is written past the caches.
    pub stream: bool,
    /// Segments are packed together.
    pub plane: bool,
    /// All rows of a segment, and of all columns of a tile, lie behind each other: they are written at once.
    pub joined: bool,
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

/// Vectors and columns of the largest tile, for `run` rows that are contiguous in the result.
fn tile_size(
    kernels: &Kernels,
    (m, n, k): (usize, usize, usize),
    (run, along_sum): (usize, bool),
) -> (usize, usize) {
    let len = kernels.len;
    let wide = |vectors: usize| kernels.columns[vectors - 1];
    // The tile that loads least, where what it leaves over of the rows hardly counts.
    let large = (m >= 8 * len || along_sum && m > 4 * len && k >= 16) && kernels.rows[2].is_some();
    let vectors = if m <= len || wide(2) == 0 {
        1
    } else if wide(3) > 0
        && (m > 2 * len && (n <= wide(3) || k <= 32 && run >= 3 * len || large)
            || !run.is_multiple_of(2 * len) && (run.is_multiple_of(3 * len) || 2 * run == 3 * len))
    {
        3
    } else {
        2
    };
    let columns = if vectors == 1 && n > wide(1) { wide(1).min(12) } else { wide(vectors) };
    (vectors, columns)
}

/// Whether `y` is read where it lies: if there are kernels for columns that are contiguous along the sum,
/// or if few rows read it again and its lines are used whole.
fn reads_in_place(plan: &Plan, callbacks: &Callbacks, m: usize, kernels: &Kernels, vectors: usize) -> bool {
    let pack_y = if plan.swapped { callbacks.pack_a } else { callbacks.pack_b };
    let ([n], [k]) = (&plan.n[..], &plan.k[..]) else { return false };
    let rows = vectors * kernels.len;
    // Columns a multiple of a page apart evict each other from the first level cache, eight not yet.
    let aliased = n.y.unsigned_abs().saturating_mul(kernels.bytes).is_multiple_of(1024);
    let by_rows = vectors == 3 && kernels.rows[2].is_some();
    pack_y.is_none()
        && (n.y == 1 && m <= 3 * rows || k.y == 1 && (by_rows || m <= rows || !aliased && m <= 3 * rows))
}

/// Chooses tiles and blocks.
pub fn shape(
    plan: &Plan,
    kernels: &Kernels,
    (accumulate, plane): (bool, bool),
    callbacks: &Callbacks,
) -> Shape {
    let (m, n, k) = (plan.m.size(), plan.n.size(), plan.k.size());
    let (bytes, len) = (kernels.bytes, kernels.len);
    let run = if plane { plan.m[0].extent } else { contiguous_rows(&plan.m) };
    let wide = |vectors: usize| kernels.columns[vectors - 1];
    let along_sum = matches!((&plan.n[..], &plan.k[..]), ([_], [k]) if k.y == 1);
    let (vectors, columns) = tile_size(kernels, (m, n, k), (run, along_sum));
    let large = !accumulate
        && callbacks.epilogue.is_none()
        && k <= CHUNK
        && m.saturating_mul(n).saturating_mul(bytes) >= STREAM_BYTES;
    // With short sums all that counts is to write whole lines.
    // Rows that fill their vectors well are worth a tile that ends where they end.
    let well_filled = run >= len && 10 * run >= 9 * run.next_multiple_of(len);
    let joined = large
        && plan.n.first().is_some_and(|axis| axis.c == run as isize)
        && run.saturating_mul(columns).saturating_mul(bytes) <= JOINED_BYTES
        && (well_filled || k <= 64 && run >= len && 4 * run >= 3 * run.next_multiple_of(len));
    let (vectors, columns) = if joined && run <= 2 * len && vectors == 3 && run % (3 * len) != 0 {
        (2, wide(2))
    } else {
        (vectors, columns)
    };
    let joined = joined && run.saturating_mul(columns).saturating_mul(bytes) <= JOINED_BYTES;
    let rows = vectors * len;
    let segment = if joined || plane || well_filled { run } else { usize::MAX };
    let depth = k.min(CHUNK);
    let whole = if segment <= MAX_BLOCK { segment } else { rows };
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
            let unit = if count >= second.extent { second.extent } else { (128 / bytes).min(count) };
            (count / unit * unit).max(1) * first.extent
        }
        _ => m_block,
    };
    let y_in_place = reads_in_place(plan, callbacks, m, kernels, vectors);
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
        stream: large
            && (joined || (whole_segments || run > m_block) && run.saturating_mul(bytes) >= 1 << 10),
        plane: plane && whole_segments,
        joined: joined && whole_segments,
    }
}
