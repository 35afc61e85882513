//! The loop nest around the tile: blocks of the operands are packed so that they stay in a cache
//! for as long as they are used.

#![allow(unsafe_op_in_unsafe_fn)]

use crate::callbacks::{Callbacks, Finished};
use crate::contraction::CHUNK;
use crate::kernel::{Run, TILE_BYTES};
use crate::pack::{Panel, Plane};
use crate::plan::{Axes, Plan, offsets, second_fastest, sort_and_fuse};
use crate::shape::{JOINED_BYTES, MAX_BLOCK, PLANE_BYTES, Shape, Y_BYTES, cut_plane, shape};
use crate::table::Kernels;
use crate::tiles::{Blocks, Broadcast, Store, Strip, block, column_strips, row_strips};
use crate::vector::fence;

/// Bytes of a block of `x` with what head tiles and the last tile of a block add.
const X_BYTES_PADDED: usize = PLANE_BYTES + PLANE_BYTES / 8 + CHUNK * 4 * 64;
/// What a cache line aligned piece of memory may lose.
const ALIGN: usize = 64;

/// Bytes of working memory that any contraction needs at most.
pub const WORKSPACE_BYTES: usize = X_BYTES_PADDED
    + Y_BYTES
    + TILE_BYTES
    + 2 * JOINED_BYTES
    + 4 * MAX_BLOCK * size_of::<isize>()
    + 2 * CHUNK * size_of::<isize>()
    + MAX_BLOCK * size_of::<Run>()
    + 2 * MAX_BLOCK * size_of::<Strip>()
    + 16 * ALIGN;

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
        joined: memory.take(2 * JOINED_BYTES),
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
                        quiet: callbacks.epilogue.is_none(),
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

/// Fills a panel that has more room than rows with zeros: tiles compute with whole vectors, and numbers
/// left over from anything could be slow ones.
unsafe fn clear_unfilled(kernels: &Kernels, panel: &Panel) {
    if panel.row_count < panel.width {
        panel.to.write_bytes(0, panel.width * panel.sum_count * kernels.bytes);
    }
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
            for place in 0..count {
                let to = panel.to.add(place * apart * kernels.bytes);
                clear_unfilled(kernels, &Panel { to, ..panel });
            }
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
                let panel = Panel {
                    from: x,
                    rows: blocks.x_m.add(strip.start),
                    row_count: strip.count,
                    width,
                    sum: blocks.x_k.add(k),
                    sum_count: count,
                    to: blocks.x.add((strip.panel + k * width) * kernels.bytes),
                };
                clear_unfilled(kernels, &panel);
                pack_panel((kernels, pack_x, callbacks), &panel);
            }
            k += count;
        }
        first = end;
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
