//! The errors of the expanded functions, sampled on machine code and compared with the table.
//!
//! f32 results are compared with f64 libm, which is exact enough to count as the truth. f64 results
//! are compared with the same library, whose own error (below 1 unit in the last place, more for
//! a few functions) is allowed on top.

use tcc_backends::cranelift;
use tcc_ir::evaluate_scalar::apply;
use tcc_ir::loops::{Buffer, Expr, Func, LoopKind, Role, Stmt};
use tcc_ir::{Dtype, Extent, Native, ScalarOp, Value};
use tcc_passes::PassContext;
use tcc_passes::loops::expand_math::{MATH_FUNCTIONS, MathRow, run};

const BLOCK: usize = 4096;
const LANES: i64 = 4;

/// Points per function: more where the tests are optimised.
const BLOCKS: usize = if cfg!(debug_assertions) { 24 } else { 512 };

fn kernel(row: &MathRow, dtype: Dtype) -> tcc_backends::Kernel {
    let mut func = Func { name: row.op.to_string(), ..Func::default() };
    let extents = vec![Extent::from(BLOCK as i64)];
    let inputs: Vec<_> = (0..row.op.row().arity)
        .map(|at| func.add_buffer(Buffer::new(format!("x{at}"), dtype, extents.clone(), Role::Input)))
        .collect();
    let output = func.add_buffer(Buffer::new("y", dtype, extents, Role::Output));
    let (i, lane) = (func.add_var("i", Dtype::I64), func.add_var("i.i", Dtype::I64));
    let place = Expr::add(Expr::mul(Expr::Var(i), Expr::int(LANES)), Expr::Var(lane));
    let operands = inputs.iter().map(|&x| Expr::load(x, vec![place.clone()])).collect();
    let store = Stmt::Store(output, vec![place], Expr::op(row.op, dtype, operands));
    let inner = Stmt::for_loop(lane, Expr::int(0), Expr::int(LANES), LoopKind::Vector, vec![store]);
    func.body = vec![Stmt::serial(i, Expr::int(0), Expr::int(BLOCK as i64 / LANES), vec![inner])];
    assert!(run(&mut func, &PassContext::default()).is_yes());
    cranelift::load(&func).unwrap_or_else(|e| panic!("{} of {dtype}: {e}", row.op))
}

/// A fixed sequence of well-mixed numbers.
struct Mixer(u64);

impl Mixer {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Between 0 and 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A point: any bits, a number of ordinary size, or one near a hard place.
    fn point(&mut self, dtype: Dtype) -> f64 {
        let hard =
            [1.0, -1.0, 0.5, -0.5, 0.0, 2.0, std::f64::consts::FRAC_PI_2, 100.0, -100.0, 700.0, -700.0, 88.0];
        let kind = self.next() % 4;
        let value = match kind {
            0 if dtype == Dtype::F32 => f64::from(f32::from_bits(self.next() as u32)),
            0 => f64::from_bits(self.next()),
            1 => 20.0 * (self.unit() - 0.5),
            2 => 2.5 * (self.unit() - 0.5),
            _ => {
                let near = hard[self.next() as usize % hard.len()] * (1 + self.next() % 3) as f64;
                near * (1.0 + (self.unit() - 0.5) * 0.5f64.powi((self.next() % 40) as i32))
            }
        };
        dtype.round(value)
    }
}

/// The distance of `got` from `want` in units of the last place of `dtype` at `want`.
fn ulps(got: f64, want: f64, dtype: Dtype) -> f64 {
    let (bits, least, most) =
        if dtype == Dtype::F32 { (23, -149, f64::from(f32::MAX)) } else { (52, -1074, f64::MAX) };
    if got == want || got.is_nan() && want.is_nan() {
        return 0.0;
    }
    // Infinity counts as the next number after the largest.
    if got.is_infinite() && want.abs() > 0.999_999 * most && want.signum() == got.signum() {
        return 1.0;
    }
    if !got.is_finite() || !want.is_finite() {
        return f64::INFINITY;
    }
    let exponent = if want == 0.0 { least } else { (libm::ilogb(want) - bits).max(least) };
    (got - want).abs() / libm::ldexp(1.0, exponent)
}

fn truth(op: ScalarOp, operands: &[f64]) -> f64 {
    let values: Vec<_> = operands.iter().map(|&x| Value::<Native>::Real(x)).collect();
    let dtypes = vec![Dtype::F64; operands.len()];
    let value = apply(op, Dtype::F64, &dtypes, &values).expect("defined");
    value.as_real().expect("a real")
}

/// The largest error found, and where.
fn worst(row: &MathRow, dtype: Dtype) -> (f64, Vec<f64>, f64) {
    let kernel = kernel(row, dtype);
    let (arity, size) = (row.op.row().arity, dtype.size_bytes());
    let limit = if dtype == Dtype::F32 { row.domain.0 } else { row.domain.1 };
    let mut mixer = Mixer(row.op as u64);
    let mut worst = (0.0, Vec::new(), 0.0);
    let mut output = vec![0u64; BLOCK];
    for _ in 0..BLOCKS {
        let columns: Vec<Vec<f64>> =
            (0..arity).map(|_| (0..BLOCK).map(|_| mixer.point(dtype)).collect()).collect();
        let encode = |column: &Vec<f64>| -> Vec<u64> {
            let mut words = vec![0u64; BLOCK * size / 8];
            for (at, &x) in column.iter().enumerate() {
                if size == 8 {
                    words[at] = x.to_bits();
                } else {
                    words[at / 2] |= u64::from((x as f32).to_bits()) << (32 * (at % 2));
                }
            }
            words
        };
        let words: Vec<Vec<u64>> = columns.iter().map(encode).collect();
        let mut ranges: Vec<(*mut u8, usize)> =
            words.iter().map(|w| (w.as_ptr().cast_mut().cast(), BLOCK * size)).collect();
        ranges.push((output.as_mut_ptr().cast(), BLOCK * size));
        // SAFETY: all ranges are live vectors of their own with as many bytes.
        unsafe { kernel.run_raw(&ranges, &[]) }.expect("runs");
        for at in 0..BLOCK {
            let point: Vec<f64> = columns.iter().map(|c| c[at]).collect();
            if point.iter().any(|x| x.abs() > limit) {
                continue;
            }
            let got = if size == 8 {
                f64::from_bits(output[at])
            } else {
                f64::from(f32::from_bits((output[at / 2] >> (32 * (at % 2))) as u32))
            };
            let want = truth(row.op, &point);
            // Beyond the range of f32 the truth is infinite there.
            let want = if dtype == Dtype::F32 && f64::from(want as f32).is_infinite() && got.is_infinite() {
                got
            } else {
                want
            };
            let error = ulps(got, want, dtype);
            if error > worst.0 || error.is_nan() {
                worst = (error, point, got);
            }
        }
    }
    worst
}

fn check(dtype: Dtype, claimed: fn(&MathRow) -> f64) {
    let mut wrong = Vec::new();
    for row in MATH_FUNCTIONS {
        let (error, point, got) = worst(row, dtype);
        let line = format!("{} of {dtype}: {error:.3} at {point:?} -> {got:?}", row.op);
        println!("{line}");
        if error.is_nan() || error > claimed(row) {
            wrong.push(line);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn f32_errors_are_as_stated() {
    check(Dtype::F32, |row| row.ulp_f32);
}

#[test]
fn f64_errors_are_as_stated() {
    check(Dtype::F64, |row| row.ulp_f64 + 1.0);
}
