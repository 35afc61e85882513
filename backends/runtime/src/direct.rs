//! Products whose operands are read where they lie: small ones, batches of small ones, and those in
//! which nothing is read often enough to be worth packing.

// The contract of every function here is that of `tcc_contract`.
#![allow(unsafe_op_in_unsafe_fn)]

use crate::contraction::{Axis, CHUNK, Contraction};
use crate::detect::InstructionSet;
use crate::gemv::Gemv;
use crate::kernel::{Aside, Segment, Tile};
use crate::plan::{Plan, PlanAxis};
use crate::quads;
use crate::shape::X_BYTES;
use crate::table::{Kernels, kernels};

/// A group of batched products should stay in the first level cache while its tiles are computed.
const GROUP_BYTES: usize = 24 << 10;

/// One matrix product, or a batch of them, with one axis of each kind.
pub struct Direct {
    m: PlanAxis,
    n: PlanAxis,
    k: PlanAxis,
    vectors: usize,
    /// The operand in vectors is read once, row by row.
    stream: bool,
    /// The most columns of a tile.
    most: usize,
    /// The operand that is broadcast is contiguous along the sum, and there are kernels for that.
    rows: bool,
}

/// The axis in place of one that does not exist.
const ONE: PlanAxis = PlanAxis { extent: 1, x: 0, y: 0, c: 0 };

/// Whether `plan` can be computed in place, and should.
#[inline]
pub fn direct(plan: &Plan, kernels: &Kernels) -> Option<Direct> {
    if plan.m.len() > 1 || plan.n.len() > 1 || plan.k.len() > 1 {
        return None;
    }
    let axis = |axes: &[PlanAxis]| axes.first().copied().unwrap_or(ONE);
    choose((axis(&plan.m), axis(&plan.n), axis(&plan.k)), kernels)
}

/// Whether one product is computed in place, and how.
#[inline]
fn choose((m, n, k): (PlanAxis, PlanAxis, PlanAxis), kernels: &Kernels) -> Option<Direct> {
    if m.extent > 1 && (m.x != 1 || m.c != 1) {
        return None;
    }
    // What is read again and again must stay in a cache, in lines that are used whole.
    let bytes = |rows: usize, columns: usize| rows.saturating_mul(columns).saturating_mul(kernels.bytes);
    let small = bytes(m.extent, k.extent.min(CHUNK)) <= 64 << 10 && bytes(m.extent, n.extent) <= 256 << 10
        || kernels.rows[2].is_some()
            && k.y == 1
            && n.extent >= 8
            && bytes(m.extent, 1) <= 1024
            && k.x.unsigned_abs() == m.extent
            && bytes(n.y.unsigned_abs(), 1) <= 1024;
    // Rows a multiple of a page apart evict each other from the first level cache.
    let aliased = n.extent > 24 && k.extent >= CHUNK && bytes(n.y.unsigned_abs(), 1) % 1024 == 0;
    if !(small || n.extent <= 2 * kernels.columns[0].min(12)) {
        return None;
    }
    let wide = |vectors: usize| kernels.columns[vectors - 1] > 0;
    let vectors = if m.extent <= kernels.len || !wide(2) {
        1
    } else if m.extent > 2 * kernels.len && m.extent <= 3 * kernels.len && wide(3) {
        3
    } else {
        2
    };
    // One column needs no tile; a few do not either where rows are long and come from memory.
    let stream = n.extent == 1 && m.extent >= 4 * kernels.len
        || n.extent <= 8 && m.extent >= 64 * kernels.len && bytes(m.extent, k.extent) >= 1 << 20;
    let most = kernels.columns[vectors - 1];
    let most = if aliased { most.min(12) } else { most };
    // Kernels that know that columns are contiguous along the sum are worth their smaller tile.
    let rows = k.y == 1
        && n.extent >= 8
        && k.extent >= 16
        && m.extent > 2 * kernels.len
        && kernels.rows[2].is_some();
    let (vectors, most) = if rows { (3, 8) } else { (vectors, most) };
    Some(Direct { m, n, k, vectors, stream, most, rows })
}

/// The most common case without a plan: one product of three axes that all walk forward, computed in
/// place. False: it is not that.
#[inline]
pub unsafe fn matrix(
    set: InstructionSet,
    contraction: &Contraction,
    (a, b, c): (*const u8, *const u8, *mut u8),
) -> bool {
    let [first, second, third] = contraction.axes() else { return false };
    let axis = |axis: &Axis| PlanAxis {
        extent: axis.extent as usize,
        x: axis.a as isize,
        y: axis.b as isize,
        c: axis.c as isize,
    };
    let (mut m, mut n, mut k) = (ONE, ONE, ONE);
    for one in [first, second, third] {
        match (one.a != 0, one.b != 0, one.c > 0) {
            _ if one.extent < 1 => return false,
            (true, false, true) => m = axis(one),
            (false, true, true) => n = axis(one),
            (true, true, false) if one.c == 0 => k = axis(one),
            _ => return false,
        }
    }
    let swapped = n.c < m.c;
    if swapped {
        let turn = |axis: PlanAxis| PlanAxis { x: axis.y, y: axis.x, ..axis };
        (m, n, k) = (turn(n), turn(m), turn(k));
    }
    // Each role once, and vectors of more than one element.
    if m.c != 1 || n.c == 0 || k.x == 0 || m.extent == 1 {
        return false;
    }
    let Some(kernels) = kernels(set, contraction.dtype, swapped) else { return false };
    let Some(direct) = choose((m, n, k), kernels) else { return false };
    let (x, y) = if swapped { (b, a) } else { (a, b) };
    products(&direct, kernels, (x, y, c), contraction.accumulate != 0, (1, ONE));
    true
}

/// How many of `rest` rows the next tile takes: twice two vectors rather than three and one.
#[inline]
pub fn next_rows(vectors: usize, len: usize, rest: usize) -> usize {
    if vectors == 3 && rest > 3 * len && rest <= 4 * len { 2 * len } else { rest.min(vectors * len) }
}

/// How many of `rest` columns the next tile takes: tiles of about the same size.
#[inline]
pub fn next_columns(kernels: &Kernels, vectors: usize, most: usize, rest: usize) -> usize {
    if rest <= most && kernels.tiles[vectors - 1][rest - 1].is_some() {
        return rest;
    }
    let mut tiles = rest.div_ceil(most);
    loop {
        let columns = rest.div_ceil(tiles);
        if kernels.tiles[vectors - 1][columns - 1].is_some() {
            return columns;
        }
        tiles += 1;
    }
}

/// Computes all products of the batch.
pub unsafe fn run(
    direct: &Direct,
    plan: &Plan,
    kernels: &Kernels,
    (x, y, c): (*const u8, *const u8, *mut u8),
    accumulate: bool,
) {
    if plan.batch.is_empty() {
        return products(direct, kernels, (x, y, c), accumulate, (1, ONE));
    }
    let bytes = kernels.bytes as isize;
    let inner = plan.batch.first().copied().unwrap_or(ONE);
    let outer = plan.batch.get(1..).unwrap_or(&[]);
    let outer_count: usize = outer.iter().map(|axis| axis.extent).product();
    let Direct { m, n, k, .. } = direct;
    let footprint = [(m, k), (k, n), (m, n)]
        .iter()
        .fold(0_usize, |sum, (a, b)| sum.saturating_add(a.extent.saturating_mul(b.extent)))
        .saturating_mul(kernels.bytes);
    let group = (GROUP_BYTES / footprint).clamp(1, inner.extent);
    for flat in 0..outer_count {
        let (mut rest, mut ox, mut oy, mut oc) = (flat, 0, 0, 0);
        for axis in outer {
            let index = (rest % axis.extent) as isize;
            rest /= axis.extent;
            ox += index * axis.x;
            oy += index * axis.y;
            oc += index * axis.c;
        }
        let operands =
            (x.wrapping_offset(ox * bytes), y.wrapping_offset(oy * bytes), c.wrapping_offset(oc * bytes));
        if quads::run(kernels, [m, n, k, &inner], operands, accumulate) {
            continue;
        }
        let mut start = 0;
        while start < inner.extent {
            let count = group.min(inner.extent - start);
            let place = start as isize;
            let operands = (
                x.wrapping_offset((ox + place * inner.x) * bytes),
                y.wrapping_offset((oy + place * inner.y) * bytes),
                c.wrapping_offset((oc + place * inner.c) * bytes),
            );
            products(direct, kernels, operands, accumulate, (count, inner));
            start += count;
        }
    }
}

/// `count` products, tile by tile.
#[inline]
unsafe fn products(
    direct: &Direct,
    kernels: &Kernels,
    (x, y, c): (*const u8, *const u8, *mut u8),
    accumulate: bool,
    (count, batch): (usize, PlanAxis),
) {
    let Direct { m, n, k, vectors, stream, most, rows: by_rows } = *direct;
    let bytes = kernels.bytes as isize;
    if stream {
        let kernel = kernels.gemv[n.extent.next_power_of_two().trailing_zeros() as usize];
        for place in 0..count as isize {
            kernel(&Gemv {
                x: x.wrapping_offset(place * batch.x * bytes),
                x_step: k.x,
                y: y.wrapping_offset(place * batch.y * bytes),
                y_step: k.y,
                y_column: n.y,
                columns: n.extent,
                rows: m.extent,
                depth: k.extent,
                c: c.wrapping_offset(place * batch.c * bytes),
                c_column: n.c,
                accumulate,
            });
        }
        return;
    }
    let mut tile = Tile {
        x,
        x_step: k.x,
        y,
        y_step: k.y,
        y_column: n.y,
        segments: core::ptr::null(),
        segment_count: 1,
        c,
        c_column: n.c,
        c_columns: core::ptr::null(),
        last: 0,
        accumulate,
        stream: false,
        // What is here already: an address that does not exist would be looked up in vain.
        aside: Aside { ahead: y, ..Aside::NONE },
        batch: count,
        x_batch: batch.x,
        y_batch: batch.y,
        c_batch: batch.c,
    };
    // All of a sum for one strip of columns after another, so that memory is read in order, if the other
    // operand stays in a cache.
    let whole = m.extent.saturating_mul(k.extent).saturating_mul(kernels.bytes) <= X_BYTES;
    let k_outer = if whole { k.extent } else { CHUNK };
    let mut outer = 0;
    while outer < k.extent {
        let mut column = 0;
        while column < n.extent {
            let columns = next_columns(kernels, vectors, most, n.extent - column);
            tile.y = y.wrapping_offset(column as isize * n.y * bytes);
            let c = c.wrapping_offset(column as isize * n.c * bytes);
            let mut start = outer;
            while start < k.extent.min(outer + k_outer) {
                let depth = CHUNK.min(k.extent - start);
                let segment = Segment { x: start as isize * k.x, y: start as isize * k.y, len: depth };
                tile.segments = &segment;
                tile.accumulate = accumulate || start > 0;
                strip(kernels, &mut tile, (x, c), (m.extent, columns), (vectors, by_rows));
                start += depth;
            }
            column += columns;
        }
        outer += k_outer;
    }
}

/// The tiles of one strip of columns, of one chunk of the sum.
#[inline]
unsafe fn strip(
    kernels: &Kernels,
    tile: &mut Tile,
    (x, c): (*const u8, *mut u8),
    (m, columns): (usize, usize),
    (vectors, by_rows): (usize, bool),
) {
    let mut row = 0;
    while row < m {
        let rows = next_rows(vectors, kernels.len, m - row);
        let of = rows.div_ceil(kernels.len) - 1;
        tile.last = rows - of * kernels.len;
        tile.x = x.wrapping_add(row * kernels.bytes);
        tile.c = c.wrapping_add(row * kernels.bytes);
        let full = tile.last == kernels.len;
        let table = if full { &kernels.tiles } else { &kernels.tails };
        let function =
            if by_rows && full && columns == 8 { kernels.rows[of] } else { table[of][columns - 1] };
        // Tiles with fewer vectors exist for every number of columns that wider ones have.
        if let Some(function) = function {
            function(tile);
        }
        row += rows;
    }
}
