//! Measures what the constants of the cost model (`passes/src/cost.rs`) stand for:
//! `cargo bench --bench machine`. Prints each beside the constant. The constants are then chosen by
//! hand, so that the same program is compiled to the same bytes everywhere.
//!
//! Cycles are those of the machine of the table: its frequency is measured first, and everything else in
//! cycles of that frequency.

mod support;

use std::error::Error;
use std::hint::black_box;
use support::cpu_seconds;
use tcc::{Cache, Compiler};
use tcc_ir::{Dtype, scalar::ScalarOp};
use tcc_passes::cost::{Contraction, MACHINE, Machine};

/// Vectors that are in flight at the same time.
const ACCUMULATORS: usize = 12;
/// Lanes of a vector of f32.
const LANES: usize = 16;
type Vector = [f32; LANES];

/// Extents of the matrix products: rows, columns, summed, and how many of them there are.
const PRODUCTS: &[[usize; 4]] = &[
    [4, 4, 4, 1],
    [8, 8, 8, 1],
    [16, 16, 16, 1],
    [32, 32, 32, 1],
    [64, 64, 64, 1],
    [128, 128, 128, 1],
    [256, 256, 256, 1],
    [512, 512, 512, 1],
    [1024, 16, 256, 1],
    [4096, 4, 256, 1],
    [4096, 28, 28, 1],
    [28, 4096, 28, 1],
    [512, 512, 4, 1],
    [512, 512, 16, 1],
    [256, 256, 2048, 1],
    [8, 512, 512, 1],
    [2, 512, 512, 1],
    [8, 8, 8, 256],
    [16, 16, 16, 256],
    [64, 64, 64, 64],
];

fn main() -> Result<(), Box<dyn Error>> {
    let hertz = frequency();
    println!("{:<50} {:>9} {:>9}", "", "measured", "constant");
    show("cycles per nanosecond", hertz * 1e-9, MACHINE.gigahertz);
    let seconds = best(|| fused(200_000));
    let vectors = 200_000.0 * ACCUMULATORS as f64;
    show("vector multiply-adds per cycle", vectors / (seconds * hertz), MACHINE.fma_per_cycle);
    let cycles = best(|| divided(50_000)) * hertz / (50_000.0 * ACCUMULATORS as f64);
    show("cycles of a vector division, f32", cycles, MACHINE.function(ScalarOp::Div, Dtype::F32));
    for (bytes, (_, bandwidth)) in [24e3f64, 1e6, 16e6, 512e6].into_iter().zip(MACHINE.memory) {
        let (read, copied) = bandwidths(bytes, hertz);
        show(&format!("bytes per cycle, reading {} kB", bytes / 1e3), read, bandwidth);
        show(&format!("bytes per cycle, copying {} kB (both count)", bytes / 1e3), copied, bandwidth);
    }
    functions(hertz)?;
    contractions(hertz)
}

fn show(what: &str, measured: f64, constant: f64) {
    println!("{what:<50} {measured:>9.2} {constant:>9.2}");
}

/// The shortest of some runs, in seconds.
fn best(mut run: impl FnMut()) -> f64 {
    let time = |run: &mut dyn FnMut()| {
        let start = cpu_seconds();
        run();
        cpu_seconds() - start
    };
    (0..15).map(|_| time(&mut run)).fold(f64::INFINITY, f64::min)
}

/// Cycles per second, by a chain of multiplications (three cycles) and exclusive ors (one).
fn frequency() -> f64 {
    const ROUNDS: u64 = 10_000_000;
    let factor = black_box(0x9e37_79b9_7f4a_7c15u64);
    let seconds = best(|| {
        let chain = (0..ROUNDS).fold(1u64, |x, _| x.wrapping_mul(factor) ^ factor);
        black_box(chain);
    });
    4.0 * ROUNDS as f64 / seconds
}

/// Bytes per cycle of reading an array again and again, and of copying one half of it to the other.
fn bandwidths(bytes: f64, hertz: f64) -> (f64, f64) {
    let mut data = vec![1.0f32; bytes as usize / 4];
    let rounds = (2e8 / bytes).max(1.0) as usize;
    let read = best(|| (0..rounds).for_each(|_| sum(black_box(&data))));
    let copied = best(|| {
        for _ in 0..rounds {
            let half = data.len() / 2;
            let (to, from) = black_box(&mut data).split_at_mut(half);
            to.copy_from_slice(&from[..half]);
        }
    });
    let rate = |seconds: f64| bytes * rounds as f64 / (seconds * hertz);
    (rate(read), rate(copied))
}

/// Elements of the arrays to which functions are applied; all of them fit in the first cache.
const ELEMENTS: usize = 2048;

/// What functions take for a vector, as compiled, less what a copy takes.
fn functions(hertz: f64) -> Result<(), Box<dyn Error>> {
    use ScalarOp::*;
    println!();
    for op in [
        Div, Sqrt, Cbrt, Exp, Expm1, Log, Log1p, Sin, Cos, Tan, Asin, Acos, Atan, Sinh, Cosh, Tanh, Asinh,
        Acosh, Atanh, Erf, Erfc, Pow, Hypot, Atan2,
    ] {
        let text = match op {
            Div => "y[i] = x[i] / (x[i] + 1)".into(),
            Pow | Hypot | Atan2 => format!("y[i] = {}(x[i], x[i] + 1)", op),
            op => format!("y[i] = {}(x[i])", op),
        };
        let text = if op == Pow { "y[i] = x[i] ^ (x[i] + 1)".into() } else { text };
        let (narrow, wide) = (elementwise::<f32>(&text, hertz)?, elementwise::<f64>(&text, hertz)?);
        let what = format!("cycles of a vector, {}", op);
        show(&format!("{what}, f32"), narrow, MACHINE.function(op, Dtype::F32));
        show(&format!("{what}, f64"), wide, MACHINE.function(op, Dtype::F64));
    }
    Ok(())
}

/// Cycles of a vector of 64 bytes, less those of a copy.
fn elementwise<T: tcc::Element + From<f32>>(text: &str, hertz: f64) -> Result<f64, Box<dyn Error>> {
    let x = ndarray::Array1::from_shape_fn(ELEMENTS, |i| T::from(0.1 + 0.8 * i as f32 / ELEMENTS as f32));
    let mut y = x.clone();
    let mut time = |text: &str| -> Result<f64, Box<dyn Error>> {
        let kernel = Compiler::new().cache(Cache::Off).jit(text)?;
        kernel.call_into((&x,), (&mut y,))?;
        Ok(best(|| (0..200).for_each(|_| drop(kernel.call_into((&x,), (&mut y,))))) / 200.0)
    };
    let cycles = (time(text)? - time("y[i] = x[i]")?) * hertz;
    Ok(cycles * 64.0 / (ELEMENTS * size_of::<T>()) as f64)
}

/// Cycles of matrix products beside the model, and the constants that fit them best.
fn contractions(hertz: f64) -> Result<(), Box<dyn Error>> {
    let call = {
        let kernel = Compiler::new().cache(Cache::Off).jit("y[i] = x[i]")?;
        let (x, mut y) = (ndarray::Array1::<f32>::zeros(4), ndarray::Array1::<f32>::zeros(4));
        best(|| (0..1000).for_each(|_| drop(kernel.call_into((&x,), (&mut y,))))) / 1000.0
    };
    println!("\n{:<50} {:>9} {:>9}", "cycles of products [m, n, k, batch]", "measured", "model");
    let mut rows: Vec<(Dtype, Contraction, f64)> = Vec::new();
    for &[m, n, k, batch] in PRODUCTS {
        let shape = Contraction { batch: batch as f64, m: m as f64, n: n as f64, k: k as f64 };
        let narrow = (product::<f32>([m, n, k, batch])? - call) * hertz;
        let wide = (product::<f64>([m, n, k, batch])? - call) * hertz;
        for (dtype, cycles) in [(Dtype::F32, narrow), (Dtype::F64, wide)] {
            let model = MACHINE.contraction(dtype, &shape, true).cycles;
            println!(
                "{:<50} {cycles:>9.0} {model:>9.0}",
                format!("{} [{m}, {n}, {k}, {batch}]", dtype.name())
            );
            rows.push((dtype, shape, cycles.max(1.0)));
        }
    }
    let fitted = fit(&rows);
    println!(
        "\nmean factor between model and measurement: {:.2}, fitted {:.2}",
        off(&MACHINE, &rows),
        off(&fitted, &rows)
    );
    show("start_cycles", fitted.start_cycles, MACHINE.start_cycles);
    show("batch_cycles", fitted.batch_cycles, MACHINE.batch_cycles);
    for (what, position) in [("longer free side", 0), ("shorter free side", 1), ("summed side", 2)] {
        show(&format!("ramp of the {what}"), fitted.ramp[position], MACHINE.ramp[position]);
    }
    Ok(())
}

/// Seconds of `batch` products of matrices.
fn product<T: tcc::Element + From<f32>>([m, n, k, batch]: [usize; 4]) -> Result<f64, Box<dyn Error>> {
    let kernel = Compiler::new().cache(Cache::Off).jit("C[b,i,k] += A[b,i,j] * B[b,j,k]")?;
    let filled = |rows, columns| ndarray::Array3::from_elem((batch, rows, columns), T::from(0.5));
    let (a, b, mut c) = (filled(m, k), filled(k, n), filled(m, n));
    kernel.call_into((&a, &b), (&mut c,))?;
    let rounds = (2e7 / (m * n * k * batch) as f64).clamp(1.0, 1e3) as usize;
    Ok(best(|| (0..rounds).for_each(|_| drop(kernel.call_into((&a, &b), (&mut c,))))) / rounds as f64)
}

/// The geometric mean of the factors by which the model is wrong.
fn off(machine: &Machine, rows: &[(Dtype, Contraction, f64)]) -> f64 {
    let wrong = |(dtype, shape, cycles): &(Dtype, Contraction, f64)| {
        (machine.contraction(*dtype, shape, true).cycles / cycles).ln().abs()
    };
    (rows.iter().map(wrong).sum::<f64>() / rows.len() as f64).exp()
}

/// The constants of contractions that fit best: each is moved while that helps, in ever smaller steps.
fn fit(rows: &[(Dtype, Contraction, f64)]) -> Machine {
    let mut best = MACHINE;
    for factor in [2.0, 1.4, 1.1, 1.03] {
        let mut better = true;
        while better {
            better = false;
            for constant in 0..5 {
                for factor in [factor, 1.0 / factor] {
                    let mut tried = best;
                    *match constant {
                        0 => &mut tried.start_cycles,
                        1 => &mut tried.batch_cycles,
                        position => &mut tried.ramp[position - 2],
                    } *= factor;
                    if off(&tried, rows) < off(&best, rows) * (1.0 - 1e-6) {
                        best = tried;
                        better = true;
                    }
                }
            }
        }
    }
    best
}

/// Picks AVX-512 where the processor has it. `wide` is the loop in its instructions, `plain` in any.
macro_rules! widest {
    ($name:ident($argument:ident: $type:ty) $wide:block $plain:block) => {
        fn $name($argument: $type) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f")]
                fn wide($argument: $type) $wide
                if is_x86_feature_detected!("avx512f") {
                    // SAFETY: the processor has the feature that the function is compiled for.
                    return unsafe { wide($argument) };
                }
            }
            $plain
        }
    };
}

widest!(fused(rounds: usize) {
    use std::arch::x86_64::*;
    let (factor, term) = (black_box(_mm512_set1_ps(0.999)), black_box(_mm512_set1_ps(1e-3)));
    let mut sums = [_mm512_set1_ps(1.0); ACCUMULATORS];
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = _mm512_fmadd_ps(*sum, factor, term);
        }
    }
    black_box(sums);
} {
    let (factor, term) = (black_box(0.999f32), black_box(1e-3f32));
    let mut sums: [Vector; ACCUMULATORS] = black_box([[1.0; LANES]; ACCUMULATORS]);
    for _ in 0..rounds {
        sums.as_flattened_mut().iter_mut().for_each(|sum| *sum = *sum * factor + term);
    }
    black_box(sums);
});

widest!(divided(rounds: usize) {
    use std::arch::x86_64::*;
    let divisor = black_box(_mm512_set1_ps(1.0001));
    let mut quotients = [_mm512_set1_ps(1.0); ACCUMULATORS];
    for _ in 0..rounds {
        for quotient in &mut quotients {
            *quotient = _mm512_div_ps(*quotient, divisor);
        }
    }
    black_box(quotients);
} {
    let divisor = black_box(1.0001f32);
    let mut quotients: [Vector; ACCUMULATORS] = black_box([[1.0; LANES]; ACCUMULATORS]);
    for _ in 0..rounds {
        quotients.as_flattened_mut().iter_mut().for_each(|quotient| *quotient /= divisor);
    }
    black_box(quotients);
});

widest!(sum(data: &[f32]) {
    use std::arch::x86_64::*;
    let mut sums = [_mm512_setzero_ps(); 8];
    let (blocks, _) = data.as_chunks::<{ 8 * LANES }>();
    for block in blocks {
        for (sum, vector) in sums.iter_mut().zip(block.as_chunks::<LANES>().0) {
            // SAFETY: the pointer is to 16 numbers, which is what is read.
            *sum = _mm512_add_ps(*sum, unsafe { _mm512_loadu_ps(vector.as_ptr()) });
        }
    }
    black_box(sums);
} {
    let mut sums = [[0.0f32; LANES]; 8];
    let (blocks, _) = data.as_chunks::<{ 8 * LANES }>();
    for block in blocks {
        sums.as_flattened_mut().iter_mut().zip(block).for_each(|(sum, number)| *sum += number);
    }
    black_box(sums);
});
