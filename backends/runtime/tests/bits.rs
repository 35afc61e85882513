//! Every instruction set gives the bits of the reference, for any shape, strides and element type.

use tcc_runtime::{
    Axis, Callbacks, Contraction, ElementType, Finished, InstructionSet, MoveAxis, Panel, WORKSPACE_BYTES,
    contract_fused, contract_parallel, contract_with, permute_with, pool, reference,
};

/// A small generator; the same numbers in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
    fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 33) % bound
    }
    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }
}

/// An operand's memory, with a margin on both sides that must stay as it is.
struct Buffer {
    bytes: Vec<u8>,
    start: usize,
}

const MARGIN: usize = 256;

impl Buffer {
    /// Room for the elements that `strides` reach, filled with numbers.
    fn new(random: &mut Random, dtype: ElementType, axes: &[(i64, i64)]) -> Buffer {
        let size = dtype.bytes();
        let (mut low, mut high) = (0, 0);
        for &(extent, stride) in axes {
            let reach = (extent - 1).max(0) * stride;
            low += reach.min(0);
            high += reach.max(0);
        }
        let count = (high - low + 1) as usize;
        // An odd byte offset would be a wrong promise; an odd element offset is fine.
        let start = MARGIN + size * random.below(8) as usize;
        let mut bytes = vec![0xa5; start + count * size + MARGIN];
        for place in 0..count {
            let at = start + place * size;
            let value = random.next();
            let real = |bits: u64| (bits as i64 >> 11) as f64 / (1_u64 << 50) as f64;
            match dtype {
                ElementType::F32 => bytes[at..at + 4].copy_from_slice(&(real(value) as f32).to_ne_bytes()),
                ElementType::F64 => bytes[at..at + 8].copy_from_slice(&real(value).to_ne_bytes()),
                ElementType::C64 => {
                    bytes[at..at + 4].copy_from_slice(&(real(value) as f32).to_ne_bytes());
                    bytes[at + 4..at + 8].copy_from_slice(&(real(value << 20) as f32).to_ne_bytes());
                }
                ElementType::C128 => {
                    bytes[at..at + 8].copy_from_slice(&real(value).to_ne_bytes());
                    bytes[at + 8..at + 16].copy_from_slice(&real(value << 13).to_ne_bytes());
                }
                _ => bytes[at..at + size].copy_from_slice(&value.to_ne_bytes()[..size]),
            }
        }
        Buffer { bytes, start: start + (-low) as usize * size }
    }
}

/// Strides for axes visited in a random order, sometimes with gaps, sometimes backwards. `None`: the
/// operand does not depend on the axis.
fn strides(random: &mut Random, extents: &[i64], has: &[bool]) -> Vec<i64> {
    let mut order: Vec<usize> = (0..extents.len()).collect();
    for place in (1..order.len()).rev() {
        order.swap(place, random.below(place as u64 + 1) as usize);
    }
    let mut result = vec![0; extents.len()];
    let mut stride = random.pick(&[1, 1, 1, 1, 2, 3]);
    for place in order {
        if has[place] {
            result[place] = if random.below(8) == 0 { -stride } else { stride };
            stride *= extents[place].max(1);
            stride += random.pick(&[0, 0, 0, 1]);
        }
    }
    result
}

/// A random contraction of about at most `work` multiply-adds.
fn case(random: &mut Random, dtype: ElementType, work: u64) -> Contraction {
    let count = 1 + random.below(6) as usize;
    let mut axes = Vec::new();
    let mut left = work;
    let (mut in_a, mut in_b, mut in_c) = (Vec::new(), Vec::new(), Vec::new());
    let mut extents = Vec::new();
    for _ in 0..count {
        // batch, m, n, k, and axes that one operand alone sums over, or that repeat the result
        let (a, b, c) = random.pick(&[
            (true, true, true),
            (true, false, true),
            (true, false, true),
            (false, true, true),
            (false, true, true),
            (true, true, false),
            (true, true, false),
            (true, false, false),
            (false, true, false),
            (false, false, true),
        ]);
        let bound = left.clamp(1, 600);
        let extent = match random.below(10) {
            0 => random.below(2),
            1..4 => 1 + random.below(bound.min(5)),
            4..8 => 1 + random.below(bound.min(40)),
            _ => 1 + random.below(bound),
        };
        left /= extent.max(1);
        extents.push(extent as i64);
        in_a.push(a);
        in_b.push(b);
        in_c.push(c);
    }
    let a = strides(random, &extents, &in_a);
    let b = strides(random, &extents, &in_b);
    let c = strides(random, &extents, &in_c);
    for place in 0..count {
        axes.push(Axis { extent: extents[place], a: a[place], b: b[place], c: c[place] });
    }
    let mut contraction = Contraction::new(dtype, &axes);
    contraction.accumulate = random.below(2) as u32;
    contraction.lanes = random.pick(&[0, 1, 1, 1, 1, 2, 4, 16, 32, 64, 256]);
    contraction
}

/// Runs `contraction` on every instruction set and compares all of the result's memory.
fn check(random: &mut Random, contraction: &Contraction) {
    let dtype = contraction.dtype;
    let reach = |stride: fn(&Axis) -> i64| -> Vec<(i64, i64)> {
        contraction.axes().iter().map(|axis| (axis.extent, stride(axis))).collect()
    };
    let a = Buffer::new(random, dtype, &reach(|axis| axis.a));
    let b = Buffer::new(random, dtype, &reach(|axis| axis.b));
    let c = Buffer::new(random, dtype, &reach(|axis| axis.c));
    let mut expected = c.bytes.clone();
    let (pa, pb) = (a.bytes[a.start..].as_ptr(), b.bytes[b.start..].as_ptr());
    // SAFETY: the buffers have room for what the axes reach.
    unsafe { reference(contraction, pa, pb, expected.as_mut_ptr().add(c.start)) };
    for set in InstructionSet::ALL.into_iter().filter(|set| set.is_available()) {
        let mut got = c.bytes.clone();
        let mut workspace = vec![0x5a_u8; WORKSPACE_BYTES + 2 * MARGIN];
        // SAFETY: as above; the processor has the instructions.
        unsafe {
            let workspace = workspace.as_mut_ptr().add(MARGIN);
            contract_with(set, contraction, pa, pb, got.as_mut_ptr().add(c.start), workspace);
        }
        if let Some(place) = (0..got.len()).find(|&place| got[place] != expected[place]) {
            panic!("{set:?}: byte {place} of {} differs for {:?} {:?}", got.len(), dtype, contraction);
        }
        let guards = workspace[..MARGIN].iter().chain(&workspace[WORKSPACE_BYTES + MARGIN..]);
        assert!(
            guards.into_iter().all(|&byte| byte == 0x5a),
            "{set:?} overran its memory for {contraction:?}"
        );
    }
}

#[test]
fn random_shapes_and_strides() {
    let mut random = Random(0x0123_4567_89ab_cdef);
    for turn in 0..1500 {
        let dtype = ElementType::ALL[turn % ElementType::ALL.len()];
        let work = random.pick(&[100, 3_000, 30_000, 200_000]);
        let contraction = case(&mut random, dtype, work);
        check(&mut random, &contraction);
    }
}

/// The contraction of an einsum, operands and result contiguous, last index fastest.
fn einsum(dtype: ElementType, spec: &str, extent: impl Fn(char) -> i64) -> Contraction {
    let (operands, result) = spec.split_once("->").unwrap();
    let (a, b) = operands.split_once(',').unwrap();
    let mut letters: Vec<char> = (a.to_owned() + b + result).chars().collect();
    letters.sort_unstable();
    letters.dedup();
    let stride = |indices: &str, letter: char| {
        let place = indices.find(letter)?;
        Some(indices[place + 1..].chars().map(&extent).product::<i64>())
    };
    let axes: Vec<Axis> = letters
        .iter()
        .map(|&letter| Axis {
            extent: extent(letter),
            a: stride(a, letter).unwrap_or(0),
            b: stride(b, letter).unwrap_or(0),
            c: stride(result, letter).unwrap_or(0),
        })
        .collect();
    Contraction::new(dtype, &axes)
}

/// Shapes that take the paths made for them: rows split between operand and result, rows in runs,
/// operands in place, sums of several chunks, matrix by vector.
#[test]
fn contractions_of_chemistry_and_of_linear_algebra() {
    let mut random = Random(7);
    let specs = [
        ("adb,cd->cba", [32, 16, 5, 24]),
        ("adb,cd->cba", [32, 20, 24, 270]),
        ("acd,db->cba", [40, 24, 9, 70]),
        ("aced,eb->dcba", [24, 12, 8, 16]),
        ("ae,dcbe->dcba", [36, 13, 7, 5]),
        ("be,dcea->dcba", [24, 16, 9, 8]),
        ("dca,bd->cba", [72, 20, 11, 300]),
        ("ceda,dbe->cba", [24, 24, 7, 12]),
        ("aged,cbfg->fedcba", [24, 6, 5, 3]),
        ("cged,bafg->fedcba", [12, 24, 3, 7]),
        ("ab,bc->ac", [70, 130, 64, 1]),
        ("ab,cb->ac", [61, 300, 130, 1]),
        ("ab,b->a", [150, 600, 1, 1]),
        ("ba,b->a", [3000, 270, 1, 1]),
        ("dab,dbc->dac", [5, 6, 7, 9]),
        ("dab,dbc->dac", [4, 4, 4, 70]),
        ("dab,dbc->dac", [6, 4, 4, 5]),
        ("acb,bd->cad", [9, 300, 5, 200]),
        ("ab,bc->ac", [33, 260, 150, 1]),
        ("abd,bcd->acd", [5, 6, 7, 19]),
        ("acd,bcd->abd", [7, 6, 5, 37]),
        ("a,a->", [1000, 1, 1, 1]),
    ];
    for dtype in ElementType::ALL {
        for (spec, extents) in specs {
            let extent = |letter: char| match letter {
                'a'..='d' => extents[letter as usize - 'a' as usize],
                'e' => 6,
                _ => 4,
            };
            for accumulate in [0, 1] {
                let mut contraction = einsum(dtype, spec, extent);
                contraction.accumulate = accumulate;
                check(&mut random, &contraction);
            }
        }
    }
}

/// Results too large for the caches are written past them, from any alignment.
#[test]
fn large_results() {
    let mut random = Random(11);
    for (spec, dtype) in [
        ("cged,bafg->fedcba", ElementType::F32),
        ("aged,cbfg->fedcba", ElementType::F32),
        ("aged,cbfg->fedcba", ElementType::F64),
        ("ab,cb->ac", ElementType::F32),
        ("ab,bc->ac", ElementType::F32),
        ("ab,bc->ac", ElementType::F64),
        ("ab,cb->ca", ElementType::F32),
        ("ab,cb->ca", ElementType::F64),
    ] {
        // Rows that begin anywhere, rows that are whole lines, and short rows behind each other.
        let extent = |letter: char| match (spec, letter) {
            ("ab,cb->ac", 'b') => 3,
            ("ab,cb->ac", _) => 2050,
            ("ab,bc->ac", 'b') => 5,
            ("ab,bc->ac", _) => 2064,
            ("ab,cb->ca", 'a') => 72,
            ("ab,cb->ca", 'b') => 18,
            ("ab,cb->ca", _) => 59_000 >> i32::from(dtype == ElementType::F64),
            (_, 'g') => 2,
            (_, 'a' | 'd' | 'f') => 24,
            _ => 8 + i64::from(dtype == ElementType::F32) * 4,
        };
        let contraction = einsum(dtype, spec, extent);
        check(&mut random, &contraction);
    }
}

#[test]
fn any_number_of_threads() {
    let mut random = Random(5);
    for (spec, extents) in
        [("ab,bc->ac", [300, 260, 190]), ("cab,cb->ca", [40, 900, 60]), ("ba,b->a", [4096, 700, 1])]
    {
        for dtype in [ElementType::F32, ElementType::C128] {
            let contraction = einsum(dtype, spec, |letter| extents[letter as usize - 'a' as usize]);
            let reach = |stride: fn(&Axis) -> i64| -> Vec<(i64, i64)> {
                contraction.axes().iter().map(|axis| (axis.extent, stride(axis))).collect()
            };
            let a = Buffer::new(&mut random, dtype, &reach(|axis| axis.a));
            let b = Buffer::new(&mut random, dtype, &reach(|axis| axis.b));
            let c = Buffer::new(&mut random, dtype, &reach(|axis| axis.c));
            let run = |threads: usize| {
                let mut got = c.bytes.clone();
                pool::set_threads(threads);
                let (pa, pb) = (a.bytes[a.start..].as_ptr(), b.bytes[b.start..].as_ptr());
                // SAFETY: the buffers have room for what the axes reach.
                unsafe { contract_parallel(&contraction, pa, pb, got.as_mut_ptr().add(c.start)) };
                got
            };
            let one = run(1);
            assert!(one != c.bytes);
            for threads in 2..=4 {
                assert!(run(threads) == one, "{threads} threads, {spec}");
            }
        }
    }
}

#[test]
fn permutes() {
    let mut random = Random(3);
    for turn in 0..600 {
        let bytes = random.pick(&[1, 2, 4, 4, 8, 8, 16]);
        let count = random.below(5) as usize;
        let bound = random.pick(&[4, 20, 40]);
        let extents: Vec<i64> =
            (0..count)
                .map(|_| {
                    if random.below(30) == 0 {
                        random.below(2) as i64
                    } else {
                        1 + random.below(bound) as i64
                    }
                })
                .collect();
        let reads: Vec<bool> = (0..count).map(|_| random.below(10) > 0).collect();
        let from = strides(&mut random, &extents, &reads);
        let to = strides(&mut random, &extents, &vec![true; count]);
        let dtype = match bytes {
            1 | 2 => ElementType::U8,
            4 => ElementType::F32,
            8 => ElementType::F64,
            _ => ElementType::C128,
        };
        // Elements of two bytes are pairs of bytes.
        let pair = bytes as i64 / dtype.bytes() as i64;
        let reach = |strides: &[i64]| {
            let mut reach: Vec<(i64, i64)> =
                extents.iter().zip(strides).map(|(&extent, &stride)| (extent, stride * pair)).collect();
            reach.push((pair, 1));
            reach
        };
        let source = Buffer::new(&mut random, dtype, &reach(&from));
        let target = Buffer::new(&mut random, dtype, &reach(&to));
        let axes: Vec<MoveAxis> =
            (0..count).map(|at| MoveAxis { extent: extents[at], from: from[at], to: to[at] }).collect();
        let mut expected = target.bytes.clone();
        for flat in 0..extents.iter().product::<i64>() {
            let (mut rest, mut read, mut write) = (flat, 0, 0);
            for axis in &axes {
                read += rest % axis.extent * axis.from;
                write += rest % axis.extent * axis.to;
                rest /= axis.extent;
            }
            let read = source.start.wrapping_add_signed(read as isize * bytes as isize);
            let write = target.start.wrapping_add_signed(write as isize * bytes as isize);
            expected[write..write + bytes].copy_from_slice(&source.bytes[read..read + bytes]);
        }
        for set in InstructionSet::ALL.into_iter().filter(|set| set.is_available()) {
            let mut got = target.bytes.clone();
            // SAFETY: the buffers have room for what the axes reach.
            unsafe {
                let to = got.as_mut_ptr().add(target.start);
                permute_with(set, &axes, bytes, source.bytes[source.start..].as_ptr(), to);
            }
            assert!(got == expected, "{set:?}, turn {turn}, {bytes} bytes: {axes:?}");
        }
    }
}

/// Large copies go past the caches.
#[test]
fn large_permutes() {
    let (rows, columns) = (1500_i64, 1601_i64);
    let axes =
        [MoveAxis { extent: rows, from: columns, to: 1 }, MoveAxis { extent: columns, from: 1, to: rows }];
    let source: Vec<u32> = (0..(rows * columns) as u32).collect();
    for set in InstructionSet::ALL.into_iter().filter(|set| set.is_available()) {
        let mut target = vec![0_u32; source.len() + 1];
        // SAFETY: both have room for all elements, the target for one more.
        unsafe { permute_with(set, &axes, 4, source.as_ptr().cast(), target[1..].as_mut_ptr().cast()) };
        for (place, value) in target[1..].iter().enumerate() {
            let (column, row) = (place as i64 / rows, place as i64 % rows);
            assert_eq!(i64::from(*value), row * columns + column, "{set:?}");
        }
    }
}

/// What the callbacks of the next test are handed.
struct Fusion {
    a: *const f32,
    b: *const f32,
}

/// Packs the double of an operand.
unsafe extern "C" fn pack_double(context: *mut u8, panel: *const Panel) {
    // SAFETY: the caller hands over a `Fusion` and a panel with room; offsets lead to elements.
    unsafe {
        let (fusion, panel) = (&*context.cast::<Fusion>(), *panel);
        assert!(panel.from.cast() == fusion.a || panel.from.cast() == fusion.b);
        for k in 0..panel.sum_count {
            for row in 0..panel.row_count {
                let offset = *panel.rows.add(row) + *panel.sum.add(k);
                let value = *panel.from.cast::<f32>().offset(offset);
                panel.to.cast::<f32>().add(k * panel.width + row).write(2.0 * value);
            }
        }
    }
}

/// Adds one to every element: a second call would show.
unsafe extern "C" fn add_one(_: *mut u8, tile: *const Finished) {
    // SAFETY: the tile's elements are the result's.
    unsafe {
        let tile = *tile;
        for column in 0..tile.column_count {
            for row in 0..tile.row_count {
                let offset = *tile.rows.add(row) + *tile.columns.add(column);
                *tile.c.cast::<f32>().offset(offset) += 1.0;
            }
        }
    }
}

#[test]
fn callbacks_make_operands_and_finish_tiles() {
    for (spec, extents) in [
        ("ab,bc->ac", [70, 300, 45]),
        ("ab,cb->ca", [33, 20, 50]),
        ("ab,bc->ac", [5, 0, 4]),
        ("ab,b->a", [100, 40, 1]),
    ] {
        let contraction = einsum(ElementType::F32, spec, |letter| extents[letter as usize - 'a' as usize]);
        let size = |stride: fn(&Axis) -> i64| {
            contraction.axes().iter().map(|axis| (axis.extent - 1).max(0) * stride(axis)).sum::<i64>()
                as usize
                + 1
        };
        // Small integers: all sums are exact.
        let a: Vec<f32> = (0..size(|axis| axis.a)).map(|at| (at % 7) as f32 - 3.0).collect();
        let b: Vec<f32> = (0..size(|axis| axis.b)).map(|at| (at % 5) as f32 - 2.0).collect();
        let mut expected = vec![0.0_f32; size(|axis| axis.c)];
        let mut fusion = Fusion { a: a.as_ptr(), b: b.as_ptr() };
        let callbacks = Callbacks {
            context: (&raw mut fusion).cast(),
            pack_a: Some(pack_double),
            pack_b: Some(pack_double),
            epilogue: Some(add_one),
        };
        // SAFETY: the operands have room for what the axes reach.
        unsafe {
            reference(&contraction, a.as_ptr().cast(), b.as_ptr().cast(), expected.as_mut_ptr().cast());
        }
        expected.iter_mut().for_each(|value| *value = 4.0 * *value + 1.0);
        for set in InstructionSet::ALL.into_iter().filter(|set| set.is_available()) {
            let mut got = vec![0.0_f32; expected.len()];
            let mut workspace = vec![0_u8; WORKSPACE_BYTES];
            // SAFETY: as above.
            unsafe {
                let (a, b, c) = (a.as_ptr().cast(), b.as_ptr().cast(), got.as_mut_ptr().cast());
                contract_fused(set, &contraction, &callbacks, a, b, c, workspace.as_mut_ptr());
            }
            assert_eq!(got, expected, "{set:?} {spec}");
        }
    }
}
