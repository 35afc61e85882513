//! Lowered Fourier transforms mean what the definition says, at every length, and are fast.

use std::f64::consts::PI;
use tcc_ir::domain::{Domain, Exact, Native, Reference, Value};
use tcc_ir::graph::{Graph, TransformOp};
use tcc_ir::loops::{Func, Limits, Role};
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

/// Steps that the loops take for a line of this length.
fn steps(op: TransformOp, dtypes: (&str, &str), given: usize, wanted: usize) -> u64 {
    let func = lowered(&graph(op, dtypes, &[given], &[wanted]));
    let data: Vec<Complex> = vec![(1.0, 0.0); 2 * given];
    let operands = [tensor::<Native>(dtypes.0, &[given], &data)];
    let fits = |steps: u64| {
        let limits = Limits { steps, ..Limits::default() };
        func.eval_within(&operands, &Bindings::new(), limits).is_ok()
    };
    let (mut low, mut high) = (1, 1 << 30);
    while low < high {
        let middle = (low + high) / 2;
        if fits(middle) { high = middle } else { low = middle + 1 }
    }
    low
}

#[test]
fn work_grows_as_n_log_n() {
    let complex = |n| steps(TransformOp::Fft, ("c128", "c128"), n, n) as f64;
    let per_point = |n: usize| complex(n) / (n as f64 * (n as f64).log2());
    let (small, large) = (per_point(64), per_point(4096));
    assert!(large < 1.1 * small, "{small} {large}");
    // A smooth length costs about what the next power of two does, a prime one much more.
    assert!(complex(250) < 2.0 * complex(256));
    assert!(complex(251) > 5.0 * complex(256));
}

#[test]
fn a_real_line_costs_little_more_than_half_a_complex_one() {
    let n = 128;
    let complex = steps(TransformOp::Fft, ("c128", "c128"), n, n) as f64;
    let forward = steps(TransformOp::Rfft, ("f64", "c128"), n, n / 2 + 1) as f64;
    let inverse = steps(TransformOp::Irfft, ("c128", "f64"), n / 2 + 1, n) as f64;
    assert!(forward < 0.7 * complex && inverse < 0.7 * complex, "{forward} {inverse} {complex}");
}

#[test]
fn transforms_of_one_length_share_their_roots() {
    let func = lowered(&parse(
        "graph @t(; %u: c64[x:12, y:12]) {
           %0 = fft[x -> k, y -> l] %u : c64[k:12, l:12]
           %1 y = ifft[k -> x, l -> y] %0 : c64[x:12, y:12]
           return y = %1[x, y]
         }",
    ));
    assert_eq!(func.buffers.iter().filter(|buffer| matches!(buffer.role, Role::Table(_))).count(), 1);
}

/// The same values at both levels for sizes that are symbols and for the exact domain.
fn agrees<D: Domain>(text: &str, shapes: &[&[usize]], sizes: &[(&str, i64)], tolerance: f64) {
    let graph = parse(text);
    let func = lowered(&graph);
    let operands: Vec<Tensor<D>> = shapes
        .iter()
        .zip(&graph.inputs)
        .map(|(shape, input)| {
            let dtype = input.ty.dtype;
            let mut numbers = numbers(2 * shape.iter().product::<usize>())
                .into_iter()
                .map(|x| D::from_f64((x * 16.0).round() / 16.0, dtype.part()));
            let mut next = || numbers.next().unwrap();
            let data = (0..shape.iter().product())
                .map(
                    |_| if dtype.is_complex() { Value::Complex(next(), next()) } else { Value::Real(next()) },
                )
                .collect();
            Tensor::from_values(dtype, shape, data).unwrap()
        })
        .collect();
    let bindings: Bindings = sizes.iter().map(|&(name, size)| (name.into(), size)).collect();
    let want = graph.eval(&operands, &bindings).unwrap();
    let got = func.eval(&operands, &bindings).unwrap_or_else(|error| panic!("{error}\n{func}"));
    let near = |a: D::Real, b: D::Real| a == b || (D::to_f64(a) - D::to_f64(b)).abs() <= tolerance;
    for (position, (a, b)) in want[0].data.iter().zip(&got[0].data).enumerate() {
        let same = match (*a, *b) {
            (Value::Real(a), Value::Real(b)) => near(a, b),
            (Value::Complex(a, b), Value::Complex(c, d)) => near(a, c) && near(b, d),
            (a, b) => a == b,
        };
        assert!(same, "{} {position}: graph {a:?}, loops {b:?}\n{func}", D::NAME);
    }
}

#[test]
fn symbolic_lengths_follow_the_definition() {
    let text = "graph @t(n, m, p, q; %u: f64[b:2, x:n, y:m]) {
      %0 = rfft[x -> k, y -> l] %u : c128[b:2, k:n, l:(m div 2) + 1]
      %1 = fft[b -> c] %0 : c128[c:2, k:n, l:(m div 2) + 1]
      %2 = irfft[k -> x, l -> y] %1 : f64[c:2, x:p, y:q]
      return y = %2[c, x, y]
    }";
    for [n, m, p, q] in [[1, 1, 1, 1], [3, 4, 3, 4], [2, 7, 2, 7], [4, 3, 2, 6], [2, 2, 5, 9], [0, 3, 2, 4]] {
        let sizes = [("n", n), ("m", m), ("p", p), ("q", q)];
        agrees::<Native>(text, &[&[2, n as usize, m as usize]], &sizes, 1e-13);
    }
    // The length is a constant, what is given is not.
    let text = "graph @t(n; %u: c128[k:n]) {
      %0 = irfft[k -> x] %u : f64[x:8]
      return y = %0[x]
    }";
    for n in 0..8 {
        agrees::<Native>(text, &[&[n]], &[("n", n as i64)], 1e-14);
    }
}

#[test]
fn exact_numbers_agree_exactly() {
    for length in [1, 2, 3, 4, 5, 6, 8, 9, 12, 15, 16, 31, 60] {
        let text = format!(
            "graph @t(; %u: f64[x:{length}], %v: c128[k:{}]) {{
               %0 = rfft[x -> k] %u : c128[k:{}]
               %1 = mul %0, %v : c128[k:{}]
               %2 = irfft[k -> x] %1 : f64[x:{length}]
               return y = %2[x]
             }}",
            length / 2 + 1,
            length / 2 + 1,
            length / 2 + 1,
        );
        agrees::<Exact>(&text, &[&[length], &[length / 2 + 1]], &[], 0.0);
        agrees::<Native>(&text, &[&[length], &[length / 2 + 1]], &[], 1e-13);
    }
}

#[test]
fn a_transform_in_a_recurrence_sees_one_step() {
    let text = "graph @t(n; %u: f64[x:6], %h: c128[k:4]) {
      %0 = state t forward : f64[t:n, x:6]
      %1 = index t : i64[t:n]
      %2 = const 1 : i64
      %3 = sub %1, %2 : i64[t:n]
      %4 = index x : i64[x:6]
      %5 = access %0 [%3, %4 | %u] : f64[t:n, x:6]
      %6 = rfft[x -> k] %5 : c128[t:n, k:4]
      %7 = mul %6, %h : c128[t:n, k:4]
      %8 = irfft[k -> x] %7 : f64[t:n, x:6]
      %9 y = recur.0 {%0 <- %8} : f64[t:n, x:6]
      return y = %9[t, x]
    }";
    agrees::<Native>(text, &[&[6], &[4]], &[("n", 3)], 1e-13);
}
