//! Lowered Fourier transforms mean what the definition says, at every length, and are fast.

use std::f64::consts::PI;
use tcc_ir::domain::{Domain, Native, Reference, Value};
use tcc_ir::graph::{Graph, TransformOp};
use tcc_ir::loops::Func;
use tcc_ir::{Bindings, Ir, Tensor};
use tcc_passes::PassContext;
use tcc_passes::lower::lower;

type Complex = (f64, f64);

fn parse(text: &str) -> Graph {
    text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn lowered(graph: &Graph) -> Func {
    graph.verify().unwrap_or_else(|errors| panic!("{errors}\n{graph}"));
    let func = lower(graph, &PassContext::default()).unwrap_or_else(|error| panic!("{error}\n{graph}"));
    func.verify().unwrap_or_else(|errors| panic!("{errors}\n{graph}\n{func}"));
    func
}

/// Numbers between -1 and 1 that look random and that f32 holds exactly.
fn numbers(count: usize) -> Vec<f64> {
    let mut state = 7u64;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as f64 / f64::from(1 << 23) - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// The graph that transforms `u[b, x.0, ..]` to `y[b, k.0, ..]` and the shapes of both.
fn graph(op: TransformOp, dtypes: (&str, &str), given: &[usize], wanted: &[usize]) -> Graph {
    let axes = |name: &str, extents: &[usize]| {
        let axis = |(i, n): (usize, &usize)| format!("{name}{i}:{n}");
        extents.iter().enumerate().map(axis).collect::<Vec<_>>().join(", ")
    };
    let names =
        |name: &str, count: usize| (0..count).map(|i| format!("{name}{i}")).collect::<Vec<_>>().join(", ");
    let pairs = (0..given.len()).map(|i| format!("x{i} -> k{i}")).collect::<Vec<_>>().join(", ");
    parse(&format!(
        "graph @t(; %u: {}[b:2, {}]) {{
           %0 y = {}[{pairs}] %u : {}[b:2, {}]
           return y = %0[b, {}]
         }}",
        dtypes.0,
        axes("x", given),
        op.name(),
        dtypes.1,
        axes("k", wanted),
        names("k", given.len()),
    ))
}

/// One axis of a row-major array of this shape by the definition; only `wanted` frequencies.
fn naive_axis(
    data: &[Complex],
    shape: &mut [usize],
    axis: usize,
    (sign, length, wanted): (f64, usize, usize),
) -> Vec<Complex> {
    let (outer, n, inner): (usize, usize, usize) =
        (shape[..axis].iter().product(), shape[axis], shape[axis + 1..].iter().product());
    shape[axis] = wanted;
    let mut result = Vec::new();
    for o in 0..outer {
        for k in 0..wanted {
            for i in 0..inner {
                let mut sum = (0.0, 0.0);
                for x in 0..n.min(length) {
                    let (re, im) = data[(o * n + x) * inner + i];
                    let (sin, cos) = (sign * 2.0 * PI * ((k * x % length) as f64 / length as f64)).sin_cos();
                    sum.0 += re * cos - im * sin;
                    sum.1 += re * sin + im * cos;
                }
                result.push(sum);
            }
        }
    }
    result
}

/// The whole transform over all axes but the first by the definition.
fn naive(op: TransformOp, mut data: Vec<Complex>, given: &[usize], wanted: &[usize]) -> Vec<Complex> {
    let mut shape: Vec<usize> = [2].iter().chain(given).copied().collect();
    let inverse = matches!(op, TransformOp::Ifft | TransformOp::Irfft);
    for axis in 0..given.len() {
        let length = if inverse { wanted[axis] } else { given[axis] };
        let sign = if inverse { 1.0 } else { -1.0 };
        if op == TransformOp::Irfft && axis + 1 == given.len() {
            // Hermitian extension of the last axis.
            let n = given[axis];
            let mut full = Vec::new();
            for line in data.chunks(n) {
                for x in 0..length {
                    let (mirrored, sign) = if 2 * x > length { (length - x, -1.0) } else { (x, 1.0) };
                    let (re, im) = line.get(mirrored).copied().unwrap_or((0.0, 0.0));
                    full.push((re, if x == 0 || 2 * x == length { 0.0 } else { sign * im }));
                }
            }
            data = full;
            shape[axis + 1] = length;
        }
        data = naive_axis(&data, &mut shape, axis + 1, (sign, length, wanted[axis]));
        if inverse {
            data.iter_mut().for_each(|(re, im)| (*re, *im) = (*re / length as f64, *im / length as f64));
        }
    }
    data
}

fn tensor<D: Domain>(dtype: &str, shape: &[usize], data: &[Complex]) -> Tensor<D> {
    let dtype: tcc_ir::Dtype = dtype.parse().unwrap();
    let real = |x| D::from_f64(x, dtype.part());
    let value = |&(re, im): &Complex| match dtype.is_complex() {
        true => Value::Complex(real(re), real(im)),
        false => Value::Real(real(re)),
    };
    let shape: Vec<usize> = [2].iter().chain(shape).copied().collect();
    Tensor::from_values(dtype, &shape, data.iter().map(value).collect()).unwrap()
}

fn check<D: Domain>(
    op: TransformOp,
    dtypes: (&str, &str),
    given: &[usize],
    wanted: &[usize],
    tolerance: f64,
) -> Tensor<D> {
    let graph = graph(op, dtypes, given, wanted);
    let func = lowered(&graph);
    let count = 2 * given.iter().product::<usize>();
    let (re, im) = (numbers(count), numbers(2 * count).split_off(count));
    let real = op == TransformOp::Rfft;
    let data: Vec<Complex> = re.iter().zip(im).map(|(&re, im)| (re, if real { 0.0 } else { im })).collect();
    let want = naive(op, data.clone(), given, wanted);
    let operands = [tensor::<D>(dtypes.0, given, &data)];
    let got = func.eval(&operands, &Bindings::new());
    let got = got.unwrap_or_else(|error| panic!("{error}\n{func}")).remove(0);
    let norm = want.iter().fold(1e-3f64, |norm, (re, im)| norm.max(re.abs()).max(im.abs()));
    assert_eq!(want.len(), got.data.len());
    for (position, (&(re, im), value)) in want.iter().zip(&got.data).enumerate() {
        let (got_re, got_im) = match *value {
            Value::Complex(re, im) => (D::to_f64(re), D::to_f64(im)),
            Value::Real(re) => (D::to_f64(re), im),
            _ => panic!("{value:?}"),
        };
        let error = (re - got_re).abs().max((im - got_im).abs());
        assert!(
            error <= tolerance * norm,
            "{} {op:?} {given:?} -> {wanted:?} at {position}: want {re} {im}, got {got_re} {got_im}\n{func}",
            D::NAME
        );
    }
    got
}

/// All four transforms of these lengths.
fn check_all<D: Domain>(lengths: &[usize], double: bool, tolerance: f64) {
    let (real, complex) = if double { ("f64", "c128") } else { ("f32", "c64") };
    let mut half = lengths.to_vec();
    if let Some(last) = half.last_mut() {
        *last = *last / 2 + 1;
    }
    check::<D>(TransformOp::Fft, (complex, complex), lengths, lengths, tolerance);
    check::<D>(TransformOp::Ifft, (complex, complex), lengths, lengths, tolerance);
    check::<D>(TransformOp::Rfft, (real, complex), lengths, &half, tolerance);
    check::<D>(TransformOp::Irfft, (complex, real), &half, lengths, tolerance);
}

#[test]
fn every_length_of_one_axis() {
    for length in (1..=40).chain([64, 97, 120]) {
        check_all::<Native>(&[length], true, 1e-13);
        check_all::<Native>(&[length], false, 2e-6);
        check_all::<Reference>(&[length], false, 1e-13);
    }
}

#[test]
fn two_and_three_axes() {
    for lengths in [[1, 1], [2, 3], [4, 4], [5, 6], [7, 1], [8, 17], [19, 2], [12, 9]] {
        check_all::<Native>(&lengths, true, 1e-13);
        check_all::<Native>(&lengths, false, 2e-6);
    }
    for lengths in [[1, 2, 1], [3, 4, 5], [2, 17, 6], [4, 3, 7]] {
        check_all::<Native>(&lengths, true, 1e-13);
    }
}

#[test]
fn missing_frequencies_are_zero_and_further_ones_are_not_read() {
    for length in [1, 2, 5, 8, 17] {
        for given in [1, 2, 3, 7, 20] {
            check::<Native>(TransformOp::Irfft, ("c128", "f64"), &[given], &[length], 1e-13);
            check::<Native>(TransformOp::Irfft, ("c128", "f64"), &[given, 3], &[length, 4], 1e-13);
        }
    }
}

#[test]
fn real_lines_have_exactly_real_ends() {
    for length in [1, 2, 3, 8, 9, 17, 34, 120] {
        let half = length / 2 + 1;
        let got = check::<Native>(TransformOp::Rfft, ("f32", "c64"), &[length], &[half], 2e-6);
        for row in got.data.chunks(half) {
            let ends = if length % 2 == 0 { vec![0, half - 1] } else { vec![0] };
            for end in ends {
                assert!(matches!(row[end], Value::Complex(_, im) if im == 0.0), "{length}: {:?}", row[end]);
            }
        }
    }
}
