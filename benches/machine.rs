//! Measures what the constants of the cost model (`passes/src/cost.rs`) stand for:
//! `cargo bench --bench machine`. Prints each beside the constant. The constants are then chosen by
//! hand, so that the same program is compiled to the same bytes everywhere.

use std::hint::black_box;
use std::time::Instant;
use tcc_passes::cost::MACHINE;

/// Vectors that are in flight at the same time.
const ACCUMULATORS: usize = 12;
/// Lanes of a vector of f32.
const LANES: usize = 16;
type Vector = [f32; LANES];

fn main() {
    let seconds = best(|| fused(200_000));
    let operations = 200_000.0 * (ACCUMULATORS * LANES) as f64;
    let per_cycle = operations / seconds / (MACHINE.gigahertz * 1e9) / LANES as f64;
    println!(
        "{:<44} {per_cycle:>8.2} {:>8.2}",
        "fused vector multiply-adds per cycle", MACHINE.fma_per_cycle
    );
    let seconds = best(|| divided(50_000));
    let cycles = seconds * MACHINE.gigahertz * 1e9 / (50_000.0 * ACCUMULATORS as f64);
    println!("{:<44} {cycles:>8.2} {:>8.2}", "cycles of a vector division of f32", MACHINE.division_cycles);
    for (bytes, (_, bandwidth)) in [24e3f64, 1e6, 16e6, 512e6].into_iter().zip(MACHINE.memory) {
        let data = vec![1.0f32; bytes as usize / 4];
        let rounds = (2e8 / bytes).max(1.0) as usize;
        let seconds = best(|| {
            for _ in 0..rounds {
                black_box(sum(black_box(&data)));
            }
        });
        let rate = bytes * rounds as f64 / seconds / (MACHINE.gigahertz * 1e9);
        let what = format!("bytes per cycle, reading {} kB again and again", bytes / 1e3);
        println!("{what:<44} {rate:>8.2} {bandwidth:>8.2}");
    }
}

/// The shortest of some runs, in seconds.
fn best(mut run: impl FnMut()) -> f64 {
    let time = |run: &mut dyn FnMut()| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64()
    };
    (0..15).map(|_| time(&mut run)).fold(f64::INFINITY, f64::min)
}

/// Picks the widest instructions that the processor has for a loop over whole vectors.
macro_rules! widest {
    ($name:ident($($argument:ident: $type:ty),*) -> $result:ty $body:block) => {
        fn $name($($argument: $type),*) -> $result {
            #[inline(always)]
            fn plain($($argument: $type),*) -> $result $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512vl,fma")]
                fn wide($($argument: $type),*) -> $result {
                    plain($($argument),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn half($($argument: $type),*) -> $result {
                    plain($($argument),*)
                }
                if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl") {
                    // SAFETY: the processor has the features that the function is compiled for.
                    return unsafe { wide($($argument),*) };
                }
                if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                    // SAFETY: as above.
                    return unsafe { half($($argument),*) };
                }
            }
            plain($($argument),*)
        }
    };
}

widest!(fused(rounds: usize) -> () {
    let mut sums: [Vector; ACCUMULATORS] = black_box([[1.0; LANES]; ACCUMULATORS]);
    let (factor, term): (Vector, Vector) = (black_box([0.999; LANES]), black_box([1e-3; LANES]));
    for _ in 0..rounds {
        for sum in &mut sums {
            for lane in 0..LANES {
                sum[lane] = sum[lane].mul_add(factor[lane], term[lane]);
            }
        }
    }
    black_box(sums);
});

widest!(divided(rounds: usize) -> () {
    let mut quotients: [Vector; ACCUMULATORS] = black_box([[1.0; LANES]; ACCUMULATORS]);
    let divisor: Vector = black_box([1.0001; LANES]);
    for _ in 0..rounds {
        for quotient in &mut quotients {
            for lane in 0..LANES {
                quotient[lane] /= divisor[lane];
            }
        }
    }
    black_box(quotients);
});

widest!(sum(data: &[f32]) -> Vector {
    let mut sums = [[0.0f32; LANES]; 8];
    let (blocks, _) = data.as_chunks::<{ 8 * LANES }>();
    for block in blocks {
        for (sum, vector) in sums.iter_mut().zip(block.as_chunks::<LANES>().0) {
            for lane in 0..LANES {
                sum[lane] += vector[lane];
            }
        }
    }
    let mut total = [0.0f32; LANES];
    sums.iter().for_each(|sum| (0..LANES).for_each(|lane| total[lane] += sum[lane]));
    total
});
