//! Run time of five example programs against straightforward C loop nests (`baseline.c`, `cc -O2`):
//! `cargo bench --bench versus_c`. Figures and machine: docs/performance.md.
//!
//! Times are the best of several runs, both sides in one process tree after one another.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;
use tcc::{Array, Compiler, Dtype};

/// One program: name, runs, parameters, operands with their shapes.
struct Case {
    name: &'static str,
    runs: u32,
    numbers: &'static [(&'static str, f64)],
    operands: &'static [(&'static str, Dtype, &'static [usize])],
}

/// The sizes are 8 times those of the data in `tests/data/seed_kernels`, and those of `baseline.c`.
const CASES: &[Case] = &[
    Case {
        name: "kron_attention3",
        runs: 3,
        numbers: &[],
        operands: &[
            ("Q", Dtype::F32, &[192, 64]),
            ("K1", Dtype::F32, &[192, 64]),
            ("K2", Dtype::F32, &[192, 64]),
            ("V1", Dtype::F32, &[192, 48]),
            ("V2", Dtype::F32, &[192, 48]),
        ],
    },
    Case {
        name: "selective_scan",
        runs: 20,
        numbers: &[],
        operands: &[
            ("x", Dtype::F32, &[200, 48]),
            ("dt", Dtype::F32, &[200, 48]),
            ("z", Dtype::F32, &[200, 48]),
            ("dtb", Dtype::F32, &[48]),
            ("D", Dtype::F32, &[48]),
            ("A", Dtype::F32, &[48, 32]),
            ("B", Dtype::F32, &[200, 32]),
            ("C", Dtype::F32, &[200, 32]),
        ],
    },
    Case {
        name: "wave2d",
        runs: 10,
        numbers: &[("dth", 0.3), ("sz", 24.0), ("sx", 56.0), ("depth", 8.0)],
        operands: &[("c", Dtype::F32, &[112, 128]), ("src", Dtype::F32, &[240]), ("rec", Dtype::I64, &[40])],
    },
    Case {
        name: "transformer_block",
        runs: 10,
        numbers: &[],
        operands: &[
            ("x", Dtype::F32, &[72, 80]),
            ("g1", Dtype::F32, &[80]),
            ("b1", Dtype::F32, &[80]),
            ("g2", Dtype::F32, &[80]),
            ("b2", Dtype::F32, &[80]),
            ("Wqkv", Dtype::F32, &[80, 3, 16, 40]),
            ("Wo", Dtype::F32, &[640, 80]),
            ("W1", Dtype::F32, &[80, 128]),
            ("W2", Dtype::F32, &[128, 80]),
        ],
    },
    Case { name: "equivpoly_int", runs: 1, numbers: &[], operands: &[("A", Dtype::I64, &[136, 136])] },
];

fn main() -> Result<(), Box<dyn Error>> {
    let only: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let baseline = compile_baseline(root)?;
    println!("{:<20} {:>12} {:>12} {:>8}", "program", "tcc ms", "C ms", "ratio");
    for case in CASES.iter().filter(|case| only.is_empty() || only.iter().any(|name| name == case.name)) {
        let ours = time_ours(root, case)?;
        let output = Command::new(&baseline).args([case.name, &case.runs.to_string()]).output()?;
        let theirs: f64 = String::from_utf8(output.stdout)?.trim().parse()?;
        println!("{:<20} {ours:>12.3} {theirs:>12.3} {:>8.2}", case.name, ours / theirs);
    }
    Ok(())
}

fn compile_baseline(root: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let binary = std::env::temp_dir().join(format!("tcc-baseline-{}", std::process::id()));
    let source = root.join("benches/baseline.c");
    let status = Command::new("cc").args(["-O2", "-o"]).arg(&binary).arg(source).arg("-lm").status()?;
    if status.success() { Ok(binary) } else { Err("cc failed".into()) }
}

/// Best time of a call in milliseconds.
fn time_ours(root: &Path, case: &Case) -> Result<f64, Box<dyn Error>> {
    let source = std::fs::read_to_string(root.join(format!("examples/{}.ein", case.name)))?;
    let mut kernel = Compiler::new().compile(&source)?;
    for &(name, number) in case.numbers {
        kernel = match number.fract() == 0.0 {
            true => kernel.with(name, number as i64)?,
            false => kernel.with(name, number)?,
        };
    }
    let arrays: Vec<(&str, Array)> =
        case.operands.iter().map(|&(name, dtype, shape)| (name, operand(dtype, shape))).collect();
    let arguments: Vec<_> = arrays.iter().map(|(name, array)| (*name, array.into())).collect();
    let mut best = f64::INFINITY;
    for _ in 0..=case.runs {
        let start = Instant::now();
        kernel.call_named(&arguments)?;
        best = best.min(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(best)
}

/// Floats in -0.5..0.5, or integers 0 and 1.
fn operand(dtype: Dtype, shape: &[usize]) -> Array {
    let elements: usize = shape.iter().product();
    let mut state = 88_172_645_463_325_252u64;
    let mut bytes = Vec::new();
    for _ in 0..elements {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let uniform = (state >> 11) as f64 / 9_007_199_254_740_992.0 - 0.5;
        match dtype {
            Dtype::F32 => bytes.extend((uniform as f32).to_ne_bytes()),
            _ => bytes.extend(i64::from(uniform > 0.0).to_ne_bytes()),
        }
    }
    Array::from_bytes(dtype, shape, &bytes).expect("the bytes were made for this shape")
}
