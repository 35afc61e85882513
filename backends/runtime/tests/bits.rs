//! Every instruction set gives the bits of the reference, for any shape, strides and element type.

use tcc_runtime::{
    Axis, Contraction, ElementType, InstructionSet, WORKSPACE_BYTES, contract_with, reference,
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
