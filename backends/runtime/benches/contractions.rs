//! Speed of the kernels, beside the `gemm` crate where that computes the same.
//!
//! `cargo bench -p tcc-runtime --bench contractions -- [SECTION] [CASES.json]` prints a table for each
//! section (`matmul`, `batched`, `skinny`, `sums`, `permute`, `threads`), or the one named. A file of cases
//! adds the section `cases`: an array of objects with `id`, `dtype`, `inputs` (name to extents) and a
//! `prog` of one `[out, "einsum", spec, name, name]`.
//!
//! Times are the least of several; contenders take turns.

use std::hint::black_box;
use std::time::{Duration, Instant};
use tcc_runtime::{
    Axis, Contraction, ElementType, MoveAxis, WORKSPACE_BYTES, contract_parallel, contract_with, detect,
    permute_with, pool,
};

/// The least seconds of one call of each contender.
fn times<const N: usize>(mut contenders: [&mut dyn FnMut(); N]) -> [f64; N] {
    let mut least = [f64::INFINITY; N];
    let begin = Instant::now();
    contenders[0]();
    let calls = (300e-6 / begin.elapsed().as_secs_f64().max(1e-8)).ceil().clamp(1.0, 1e5) as u32;
    let begin = Instant::now();
    let mut rounds = 0;
    while rounds < 5 || begin.elapsed() < Duration::from_millis(150) && rounds < 200 {
        for (contender, least) in contenders.iter_mut().zip(&mut least) {
            let begin = Instant::now();
            for _ in 0..calls {
                contender();
            }
            *least = least.min(begin.elapsed().as_secs_f64() / f64::from(calls));
        }
        rounds += 1;
    }
    least
}

/// `count` numbers of a type.
fn numbers(dtype: ElementType, count: usize) -> Vec<u8> {
    let number = |place: usize| ((place * 7919) % 101) as f64 * 0.01 - 0.5;
    match dtype {
        ElementType::F32 => (0..count).flat_map(|place| (number(place) as f32).to_ne_bytes()).collect(),
        _ => (0..count).flat_map(|place| number(place).to_ne_bytes()).collect(),
    }
}

/// Operands and result of a contraction, and memory to work in.
struct Setup {
    contraction: Contraction,
    a: Vec<u8>,
    b: Vec<u8>,
    c: Vec<u8>,
    workspace: Vec<u8>,
}

impl Setup {
    fn new(contraction: Contraction) -> Setup {
        let dtype = contraction.dtype;
        let size = |stride: fn(&Axis) -> i64| {
            1 + contraction.axes().iter().map(|axis| (axis.extent - 1) * stride(axis)).sum::<i64>() as usize
        };
        Setup {
            a: numbers(dtype, size(|axis| axis.a)),
            b: numbers(dtype, size(|axis| axis.b)),
            c: numbers(dtype, size(|axis| axis.c)),
            workspace: vec![0; WORKSPACE_BYTES],
            contraction,
        }
    }

    fn gigaflops(&self) -> f64 {
        self.contraction.axes().iter().map(|axis| axis.extent as f64).product::<f64>() * 2e-9
    }

    fn gigabytes(&self) -> f64 {
        (self.a.len() + self.b.len() + self.c.len()) as f64 * 1e-9
    }

    fn run(&mut self) {
        let (a, b, c) = (self.a.as_ptr(), self.b.as_ptr(), self.c.as_mut_ptr());
        // SAFETY: the operands were made for the contraction.
        unsafe { contract_with(detect(), &self.contraction, a, b, c, self.workspace.as_mut_ptr()) }
    }
}

/// The contraction of an einsum whose operands and result are contiguous.
fn einsum(dtype: ElementType, spec: &str, operands: [&[i64]; 2]) -> Option<Contraction> {
    let (indices, result) = spec.split_once("->")?;
    let (a, b) = indices.split_once(',').unwrap_or((indices, ""));
    let extent = |letter: char| {
        [(a, operands[0]), (b, operands[1])]
            .iter()
            .find_map(|(indices, extents)| extents.get(indices.find(letter)?).copied())
    };
    let mut letters: Vec<char> = a.chars().chain(b.chars()).collect();
    letters.sort_unstable();
    letters.dedup();
    let stride = |indices: &str, letter: char| -> Option<i64> {
        let Some(place) = indices.find(letter) else { return Some(0) };
        indices[place + 1..].chars().map(&extent).product()
    };
    let axes: Option<Vec<Axis>> = letters
        .iter()
        .map(|&letter| {
            Some(Axis {
                extent: extent(letter)?,
                a: stride(a, letter)?,
                b: stride(b, letter)?,
                c: stride(result, letter)?,
            })
        })
        .collect();
    Some(Contraction::new(dtype, &axes?))
}

const TYPES: [(ElementType, &str); 2] = [(ElementType::F32, "f32"), (ElementType::F64, "f64")];

/// `batch` products of `m x k` by `k x n`, rows contiguous, beside the `gemm` crate.
fn product((dtype, name): (ElementType, &str), batch: usize, [m, n, k]: [usize; 3]) {
    let extents = [batch, m, k, n].map(|extent| extent as i64);
    let [b, m64, k64, n64] = extents;
    let Some(contraction) = einsum(dtype, "bij,bjk->bik", [&[b, m64, k64], &[b, k64, n64]]) else { return };
    let mut ours = Setup::new(contraction);
    let theirs = Setup::new(contraction);
    let (flops, bytes) = (ours.gigaflops(), dtype.bytes());
    let (a, b) = (theirs.a.as_ptr(), theirs.b.as_ptr());
    let mut target = theirs.c.clone();
    let c = target.as_mut_ptr();
    /// One product by the `gemm` crate.
    unsafe fn gemm<T: 'static>(
        [m, n, k]: [usize; 3],
        c: *mut u8,
        a: *const u8,
        b: *const u8,
        zero: T,
        one: T,
    ) {
        let (c, a, b) = (c.cast::<T>(), a.cast::<T>(), b.cast::<T>());
        let (rows, columns) = (n as isize, k as isize);
        let serial = gemm::Parallelism::None;
        // SAFETY: the operands have the extents given.
        unsafe {
            gemm::gemm(
                m, n, k, c, 1, rows, false, a, 1, columns, b, 1, rows, zero, one, false, false, false, serial,
            );
        }
    }
    let [our_time, their_time] = times([&mut || ours.run(), &mut || {
        for place in 0..batch {
            // SAFETY: the operands hold `batch` matrices each.
            unsafe {
                let c = c.add(place * m * n * bytes);
                let (a, b) = (a.add(place * m * k * bytes), b.add(place * k * n * bytes));
                match dtype {
                    ElementType::F32 => gemm::<f32>([m, n, k], c, a, b, 0.0, 1.0),
                    _ => gemm::<f64>([m, n, k], c, a, b, 0.0, 1.0),
                }
            }
        }
    }]);
    let label = format!("{batch} x {m} x {n} x {k}");
    println!(
        "{name} {label:28} {:8.2} us  {:7.1} GF/s   gemm {:7.1} GF/s   ratio {:.2}",
        our_time * 1e6,
        flops / our_time,
        flops / their_time,
        their_time / our_time
    );
}

/// The peak of fused multiply-adds, from registers only.
fn peak() -> f64 {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::*;
        /// One step of every sum, written out: left to a loop, sums would move to memory.
        macro_rules! step {
            ($sums:ident, $add:ident, $x:ident, $y:ident, $($at:literal)*) => {
                $($sums[$at] = $add($sums[$at], $x, $y);)*
            };
        }
        #[target_feature(enable = "avx512f")]
        fn wide(rounds: usize) -> f32 {
            let (x, y) = (black_box(_mm512_set1_ps(0.999)), black_box(_mm512_set1_ps(1e-3)));
            let mut sums = [_mm512_set1_ps(1.0); 24];
            for _ in 0..rounds {
                step!(sums, _mm512_fmadd_ps, x, y, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23);
            }
            sums.map(|sum| _mm512_reduce_add_ps(sum)).iter().sum()
        }
        #[target_feature(enable = "avx2,fma")]
        fn narrow(rounds: usize) -> f32 {
            let (x, y) = (black_box(_mm256_set1_ps(0.999)), black_box(_mm256_set1_ps(1e-3)));
            let mut sums = [_mm256_set1_ps(1.0); 12];
            for _ in 0..rounds {
                step!(sums, _mm256_fmadd_ps, x, y, 0 1 2 3 4 5 6 7 8 9 10 11);
            }
            sums.map(|sum| _mm256_cvtss_f32(sum)).iter().sum()
        }
        let rounds = 100_000;
        // SAFETY: the processor was asked.
        let mut run = || unsafe {
            match detect() {
                tcc_runtime::InstructionSet::Avx512 => black_box(wide(black_box(rounds))),
                tcc_runtime::InstructionSet::Avx2 => black_box(narrow(black_box(rounds))),
                tcc_runtime::InstructionSet::Portable => 0.0,
            };
        };
        let flops = match detect() {
            tcc_runtime::InstructionSet::Avx512 => 24 * 32,
            _ => 12 * 16,
        };
        let [time] = times([&mut run]);
        (rounds * flops) as f64 * 1e-9 / time
    }
    #[cfg(not(target_arch = "x86_64"))]
    0.0
}

/// Einsums beside nothing: what they reach.
fn sums() {
    for (dtype, name) in TYPES {
        for (spec, a, b, lanes) in [
            ("ij,j->i", &[4096, 2048][..], &[2048][..], 1),
            ("ij,j->i", &[4096, 2048], &[2048], 64),
            ("ij,i->j", &[4096, 2048], &[4096], 1),
            ("i,i->", &[1 << 20], &[1 << 20], 64),
            ("i,i->", &[10_000], &[10_000], 64),
            ("ijb,jkb->ikb", &[16, 16, 1024], &[16, 16, 1024], 1),
            ("bhqk,bkhd->bqhd", &[4, 8, 128, 128], &[4, 128, 8, 64], 1),
        ] {
            let Some(mut contraction) = einsum(dtype, spec, [a, b]) else { continue };
            contraction.lanes = lanes;
            let mut setup = Setup::new(contraction);
            let [time] = times([&mut || setup.run()]);
            println!(
                "{name} {spec:18} {lanes:3} lanes {:9.2} us {:7.1} GF/s {:6.1} GB/s",
                time * 1e6,
                setup.gigaflops() / time,
                setup.gigabytes() / time
            );
        }
    }
}

/// Permutes beside a plain copy of as many bytes.
fn permutes() {
    for (dtype, name) in TYPES {
        for (spec, extents) in [
            ("ij->ji", &[2048, 2048][..]),
            ("abcd->acbd", &[32, 128, 8, 64]),
            ("abcd->dbca", &[32, 32, 32, 64]),
            ("ij->ji", &[100, 100]),
        ] {
            let Some(contraction) = einsum(dtype, spec, [extents, &[]]) else { continue };
            let axes: Vec<MoveAxis> = contraction
                .axes()
                .iter()
                .map(|axis| MoveAxis { extent: axis.extent, from: axis.a, to: axis.c })
                .collect();
            let mut setup = Setup::new(contraction);
            let mut copy = setup.a.clone();
            let (from, to) = (setup.a.as_ptr(), setup.c.as_mut_ptr());
            // SAFETY: both have room for all elements.
            let mut permute = || unsafe { permute_with(detect(), &axes, dtype.bytes(), from, to) };
            let [time, copy_time] = times([&mut permute, &mut || copy.copy_from_slice(&setup.a)]);
            let bytes = 2e-9 * setup.a.len() as f64;
            println!(
                "{name} {spec:12} {:9.2} us {:6.1} GB/s   copy {:6.1} GB/s",
                time * 1e6,
                bytes / time,
                bytes / copy_time
            );
        }
    }
}

/// One thread and two, in turns.
fn threads() {
    for (dtype, name) in TYPES {
        for (spec, a, b) in [
            ("ij,jk->ik", [1024, 1024], [1024, 1024]),
            ("ij,jk->ik", [4096, 512], [512, 64]),
            ("ij,kj->ik", [64, 2048], [2048, 2048]),
        ] {
            let Some(contraction) = einsum(dtype, spec, [&a, &b]) else { continue };
            let mut setup = Setup::new(contraction);
            let (a, b, c) = (setup.a.as_ptr(), setup.b.as_ptr(), setup.c.as_mut_ptr());
            let run = |threads: usize| {
                pool::set_threads(threads);
                // SAFETY: the operands were made for the contraction.
                unsafe { contract_parallel(&contraction, a, b, c) }
            };
            let [one, two] = times([&mut || run(1), &mut || run(2)]);
            println!(
                "{name} {spec} {:9.2} us, two threads {:9.2} us: {:.2}",
                one * 1e6,
                two * 1e6,
                one / two
            );
        }
    }
}

/// The contractions of a file of cases.
fn cases(path: &str) -> Result<(), Box<dyn std::error::Error>> {
    let cases: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path)?)?;
    for case in cases.as_array().into_iter().flatten() {
        let dtype = TYPES.iter().find(|(_, name)| case["dtype"] == *name);
        let (Some((dtype, _)), Some([step])) = (dtype, case["prog"].as_array().map(Vec::as_slice)) else {
            continue;
        };
        let extents = |name: &serde_json::Value| -> Vec<i64> {
            let list = case["inputs"][name.as_str().unwrap_or_default()].as_array();
            list.into_iter().flatten().filter_map(serde_json::Value::as_i64).collect()
        };
        let (Some(spec), false) = (step[2].as_str(), step[4].is_null()) else { continue };
        let Some(contraction) = einsum(*dtype, spec, [&extents(&step[3]), &extents(&step[4])]) else {
            continue;
        };
        let mut setup = Setup::new(contraction);
        let [time] = times([&mut || setup.run()]);
        let id = case["id"].as_str().unwrap_or_default();
        println!("{id:20} {spec:24} {:9.3} ms {:7.1} GF/s", time * 1e3, setup.gigaflops() / time);
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let file = arguments.iter().find(|argument| argument.ends_with(".json"));
    let section = arguments.iter().find(|argument| !argument.ends_with(".json"));
    let wanted = |name: &str| section.is_none_or(|section| section == name);
    println!("{:?}, peak {:.1} GF/s f32", detect(), peak());
    for kind in TYPES {
        if wanted("matmul") {
            for n in [4, 5, 7, 8, 12, 16, 24, 31, 32, 64, 96, 128, 256, 512, 1024, 2048] {
                product(kind, 1, [n, n, n]);
            }
        }
        if wanted("batched") {
            for (batch, n) in [(4096, 4), (4096, 8), (1024, 16), (512, 32), (128, 64), (32, 128)] {
                product(kind, batch, [n, n, n]);
            }
        }
        if wanted("skinny") {
            for shape in [
                [1, 4096, 4096],
                [8, 4096, 1024],
                [4096, 16, 4096],
                [4096, 4096, 8],
                [64, 64, 16384],
                [1000, 1000, 7],
                [37, 1023, 511],
            ] {
                product(kind, 1, shape);
            }
        }
    }
    for (name, section) in [("sums", sums as fn()), ("permute", permutes), ("threads", threads)] {
        if wanted(name) {
            section();
        }
    }
    if let Some(file) = file
        && wanted("cases")
    {
        cases(file)?;
    }
    Ok(())
}
