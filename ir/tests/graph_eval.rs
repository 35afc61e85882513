//! What every operation of the graph level means, on small graphs.

use tcc_ir::graph::Graph;
use tcc_ir::{Bindings, Domain, Dtype, EvalError, Exact, Ir, Native, Reference, Tensor};

fn graph(text: &str) -> Graph {
    let graph: Graph = text.parse().unwrap_or_else(|e| panic!("{e}\n{text}"));
    graph.verify().unwrap_or_else(|e| panic!("{e}\n{text}"));
    assert_eq!(graph.to_string().parse().as_ref(), Ok(&graph), "round trip of\n{graph}");
    graph
}

type Operand<'a> = (Dtype, &'a [usize], &'a [f64]);

fn eval<D: Domain>(text: &str, operands: &[Operand<'_>]) -> Result<Vec<Tensor<D>>, EvalError> {
    let tensors: Vec<Tensor<D>> =
        operands.iter().map(|&(d, shape, data)| Tensor::from_f64s(d, shape, data).unwrap()).collect();
    graph(text).eval(&tensors, &Bindings::new())
}

/// The first output.
fn run(text: &str, operands: &[Operand<'_>]) -> Vec<f64> {
    eval::<Reference>(text, operands).unwrap_or_else(|e| panic!("{e}\n{text}"))[0].to_f64s()
}

const F: Dtype = Dtype::F64;
const I: Dtype = Dtype::I64;

#[test]
fn products_broadcast_by_name_and_sum_in_one_go() {
    let text = "graph @matmul(n, m, k; %A: f64[i:n, k:k], %B: f64[k:k, j:m]) {
        %0 = mul %A, %B : f64[i:n, k:k, j:m]
        %1 = sum[k] %0 : f64[i:n, j:m]
        return C = %1[j, i]
    }";
    let a = (F, &[2, 3][..], &[1., 2., 3., 4., 5., 6.][..]);
    let b = (F, &[3, 2][..], &[1., 0., 0., 1., 2., 2.][..]);
    // The output is transposed.
    assert_eq!(run(text, &[a, b]), [7., 16., 8., 17.]);
}

#[test]
fn large_products_are_never_stored() {
    // n^3 elements would not fit below the limit on one value.
    let text = "graph @triple(n; %A: f64[i:n]) {
        %0 = index i : i64[i:n]
        %1 = index j : i64[j:n]
        %2 = index k : i64[k:n]
        %3 = add %0, %1 : i64[i:n, j:n]
        %4 = add %3, %2 : i64[i:n, j:n, k:n]
        %5 = sum[j, i, k] %4 : i64
        %6 = cast %5 : f64
        return s = %6[]
    }";
    let n = 230;
    let expected = 3.0 * (n * n) as f64 * (n * (n - 1) / 2) as f64;
    assert_eq!(run(text, &[(F, &[n], &vec![0.0; n])]), [expected]);
}

#[test]
fn every_reduction_has_its_value_over_something_and_over_nothing() {
    let reduce = |op: &str, dtype: &str, result: &str, values: &[f64]| {
        let dtype_of = if dtype == "i64" { I } else { F };
        run(
            &format!(
                "graph @r(n; %A: {dtype}[i:n]) {{
                    %0 = {op}[i] %A : {result}
                    return r = %0[]
                }}"
            ),
            &[(dtype_of, &[values.len()], values)],
        )[0]
    };
    let nan = f64::NAN;
    let some = [2.0, -3.0, 4.0];
    assert_eq!(reduce("sum", "f64", "f64", &some), 3.0);
    assert_eq!(reduce("prod", "f64", "f64", &some), -24.0);
    assert_eq!(reduce("max", "f64", "f64", &some), 4.0);
    assert_eq!(reduce("min", "i64", "i64", &some), -3.0);
    assert!(reduce("max", "f64", "f64", &[1.0, nan, 2.0]).is_nan());
    assert_eq!(reduce("argmax", "f64", "i64", &[1.0, 5.0, 5.0]), 1.0);
    assert_eq!(reduce("argmin", "i64", "i64", &[1.0, -5.0, -5.0]), 1.0);
    assert_eq!(reduce("argmin", "f64", "i64", &[1.0, nan, -5.0, nan]), 1.0);
    assert_eq!(reduce("sum", "f64", "f64", &[]), 0.0);
    assert_eq!(reduce("prod", "i64", "i64", &[]), 1.0);
    assert_eq!(reduce("max", "f64", "f64", &[]), f64::NEG_INFINITY);
    assert_eq!(reduce("min", "i64", "i64", &[]), i64::MAX as f64);
    assert_eq!(reduce("argmax", "i64", "i64", &[]), 0.0);
}

#[test]
fn truth_values_reduce_with_any_and_all() {
    let text = "graph @r(n; %A: f64[i:n]) {
        %0 = const 0.0 : f64
        %1 = lt %0, %A : bool[i:n]
        %2 = any[i] %1 : bool
        %3 = all[i] %1 : bool
        %4 = cast %2 : f64
        %5 = cast %3 : f64
        %6 = const 2.0 : f64
        %7 = fma %4, %6, %5 : f64
        return r = %7[]
    }";
    assert_eq!(run(text, &[(F, &[2], &[1.0, -1.0])]), [2.0]);
    assert_eq!(run(text, &[(F, &[2], &[1.0, 1.0])]), [3.0]);
    assert_eq!(run(text, &[(F, &[0], &[])]), [1.0]);
}

#[test]
fn accesses_read_outside_values_and_zeros() {
    let text = "graph @shift(n; %A: f64[i:n], %v: f64) {
        %0 = index i : i64[i:n]
        %1 = const 1 : i64
        %2 = sub %0, %1 : i64[i:n]
        %3 = access %A[%2 | %v] : f64[i:n]
        %4 = access %A[%2] : f64[i:n]
        %5 = add %3, %4 : f64[i:n]
        %6 = access %v[] : f64
        %7 = add %5, %6 : f64[i:n]
        return r = %7[i]
    }";
    assert_eq!(run(text, &[(F, &[3], &[1., 2., 3.]), (F, &[], &[10.0])]), [20.0, 12.0, 14.0]);
}

#[test]
fn scatters_combine_and_drop_what_is_outside() {
    let text = |op: &str| {
        format!(
            "graph @s(m; %at: i64[e:m], %A: f64[e:m]) {{
                %0 = scatter.{op} [%at] %A : f64[v:3]
                return r = %0[v]
            }}"
        )
    };
    let operands = [(I, &[5][..], &[0., 2., 0., 3., -1.][..]), (F, &[5], &[1., 2., 3., 4., 5.])];
    assert_eq!(run(&text("sum"), &operands), [4.0, 0.0, 2.0]);
    assert_eq!(run(&text("max"), &operands), [3.0, f64::NEG_INFINITY, 2.0]);
    assert_eq!(run(&text("prod"), &operands), [3.0, 1.0, 2.0]);
}

#[test]
fn normalisations_are_stable_and_defined_on_empty_rows() {
    let text = "graph @n(n, m; %A: f64[i:n, j:m]) {
        %0 = softmax[j] %A : f64[i:n, j:m]
        %1 = logsumexp[j, i] %A : f64
        return P = %0[i, j], L = %1[]
    }";
    let low = f64::NEG_INFINITY;
    let a = (F, &[2, 2][..], &[1000.0, 1000.0, low, low][..]);
    let outputs = eval::<Reference>(text, &[a]).unwrap();
    assert_eq!(outputs[0].to_f64s(), [0.5, 0.5, 0.0, 0.0]);
    assert_eq!(outputs[1].to_f64s(), [1000.0 + 2f64.ln()]);
    let empty = eval::<Reference>(text, &[(F, &[2, 0], &[])]).unwrap();
    assert_eq!(empty[1].to_f64s(), [low]);
}

#[test]
fn normalisations_have_a_meaning_without_an_order() {
    let text = "graph @n(n; %A: f64[i:n]) {
        %0 = softmax[i] %A : f64[i:n]
        %1 = sum[i] %0 : f64
        return s = %1[]
    }";
    let sum = |values| eval::<Exact>(text, &[(F, &[2], values)]).unwrap()[0].to_f64s();
    assert_eq!(sum(&[3.0, 7.0]), [1.0]);
    assert_eq!(sum(&[3.0, f64::NEG_INFINITY]), [1.0]);
}

#[test]
fn a_recurrence_steps_forward_with_an_outside_value() {
    let text = "graph @scan(T, c; %a: f64[t:T, c:c], %h0: f64[c:c]) {
        %0 = state t forward : f64[t:T, c:c]
        %1 = index t : i64[t:T]
        %2 = const 1 : i64
        %3 = sub %1, %2 : i64[t:T]
        %4 = index c : i64[c:c]
        %5 = access %0[%3, %4 | %h0] : f64[t:T, c:c]
        %6 = mul %a, %5 : f64[t:T, c:c]
        %7 = recur.0 {%0 <- %6} : f64[t:T, c:c]
        return h = %7[c, t]
    }";
    let a = (F, &[3, 2][..], &[2., 3., 2., 3., 2., 3.][..]);
    assert_eq!(run(text, &[a, (F, &[2], &[1., 10.])]), [2., 4., 8., 30., 90., 270.]);
}

#[test]
fn a_group_steps_backward_with_sums_in_its_body() {
    // u[t] = x[t] + sum[j] v[t+1, j];  v[t, j] = u[t] * j  (the same step)
    let text = "graph @group(T; %x: f64[t:T]) {
        %0 = state t backward : f64[t:T]
        %1 = state t backward : f64[t:T, j:3]
        %2 = index t : i64[t:T]
        %3 = const 1 : i64
        %4 = add %2, %3 : i64[t:T]
        %5 = index j : i64[j:3]
        %6 = const 0.0 : f64
        %7 = access %1[%4, %5 | %6] : f64[t:T, j:3]
        %8 = sum[j] %7 : f64[t:T]
        %9 = add %8, %x : f64[t:T]
        %10 = cast %5 : f64[j:3]
        %11 = mul %9, %10 : f64[t:T, j:3]
        %12 = recur.0 {%0 <- %9, %1 <- %11} : f64[t:T]
        %13 = recur.1 {%0 <- %9, %1 <- %11} : f64[t:T, j:3]
        %14 = sum[t, j] %13 : f64
        return u = %12[t], s = %14[]
    }";
    let outputs = eval::<Native>(text, &[(F, &[3], &[1., 2., 4.])]).unwrap();
    // u[2] = 4, u[1] = 2 + 3*4 = 14, u[0] = 1 + 3*14 = 43
    assert_eq!(outputs[0].to_f64s(), [43., 14., 4.]);
    assert_eq!(outputs[1].to_f64s(), [3.0 * 61.0]);
}

#[test]
fn bodies_may_normalise_scatter_and_gather_within_a_step() {
    let text = "graph @body(T; %x: f64[t:T, j:2]) {
        %0 = state t forward : f64[t:T, j:2]
        %1 = index t : i64[t:T]
        %2 = const 1 : i64
        %3 = sub %1, %2 : i64[t:T]
        %4 = index j : i64[j:2]
        %5 = const 0.0 : f64
        %6 = access %0[%3, %4 | %5] : f64[t:T, j:2]
        %7 = add %6, %x : f64[t:T, j:2]
        %8 = softmax[j] %7 : f64[t:T, j:2]
        %9 = sub %2, %4 : i64[j:2]
        %10 = scatter.sum [%1, %9] %8 : f64[t:T, j:2]
        %11 = access %10[%1, %9] : f64[t:T, j:2]
        %12 = add %11, %10 : f64[t:T, j:2]
        %13 = recur.0 {%0 <- %12} : f64[t:T, j:2]
        return h = %13[t, j]
    }";
    // A softmax plus its mirror image is 1 everywhere.
    let result = run(text, &[(F, &[2, 2], &[3., 1., -2., 5.])]);
    assert!(result.iter().all(|x| (x - 1.0).abs() < 1e-15), "{result:?}");
}

#[test]
fn tables_and_sizes_are_constants() {
    let text = "graph @t(n, param w = 2*n; %A: f64[i:n]) {
        %0 = table {1, 2, 3} : i64[a:3]
        %1 = size w + 1 : i64
        %2 = mul %0, %1 : i64[a:3]
        %3 = table {0.5, -inf} : f32[b:2]
        return r = %2[a], s = %3[b]
    }";
    let outputs = eval::<Reference>(text, &[(F, &[2], &[0., 0.])]).unwrap();
    assert_eq!(outputs[0].to_f64s(), [5., 10., 15.]);
    assert_eq!(outputs[1].to_f64s(), [0.5, f64::NEG_INFINITY]);
}

const TRANSFORMS: &str = "graph @f(n, m; %A: f64[x:n, y:m]) {
    %0 = rfft[x -> kx, y -> ky] %A : c128[kx:n, ky:(m div 2) + 1]
    %1 = irfft[kx -> x, ky -> y] %0 : f64[x:n, y:m]
    %2 = cast %A : c128[x:n, y:m]
    %3 = fft[x -> kx, y -> ky] %2 : c128[kx:n, ky:m]
    %4 = ifft[ky -> y, kx -> x] %3 : c128[y:m, x:n]
    %5 = dft : c128[kx:n, x:n]
    %6 = mul %5, %2 : c128[kx:n, x:n, y:m]
    %7 = dft : c128[ky:m, y:m]
    %8 = mul %6, %7 : c128[kx:n, x:n, y:m, ky:m]
    %9 = sum[x, y] %8 : c128[kx:n, ky:m]
    return A1 = %1[x, y], A2 = %4[x, y], F1 = %3[kx, ky], F2 = %9[kx, ky]
}";

#[test]
fn transforms_invert_and_agree_with_their_definition() {
    for (n, m) in [(3, 4), (2, 5), (1, 1), (4, 6)] {
        let data: Vec<f64> = (0..n * m).map(|i| (i * i % 7) as f64).collect();
        let shape = [n, m];
        let outputs = eval::<Reference>(TRANSFORMS, &[(F, &shape, &data)]).unwrap();
        let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12 * 50.0);
        assert!(close(&outputs[0].to_f64s(), &data), "{n} {m}: {:?}", outputs[0].to_f64s());
        assert!(close(&outputs[1].to_f64s(), &data), "{n} {m}");
        assert!(close(&outputs[2].to_f64s(), &outputs[3].to_f64s()), "{n} {m}");
        let exact = eval::<Exact>(TRANSFORMS, &[(F, &shape, &data)]).unwrap();
        assert_eq!(exact[0].to_f64s(), data);
        assert_eq!(exact[1].to_f64s(), data);
        assert_eq!(exact[2].data, exact[3].data);
    }
}

#[test]
fn checks_and_requirements_stop_an_evaluation() {
    let text = "graph @c(n; %A: f64[i:n], %at: i64) {
        %0 = const 0 : i64
        %1 = le %0, %at : bool
        %2 = size n : i64
        %3 = lt %at, %2 : bool
        %4 = access %A[%at] : f64
        require 2 <= n \"{left} rows are too few for {right}\"
        check %1 \"below\"
        check %3 \"above\" @3..9
        return r = %4[]
    }";
    let at = |n: usize, at: f64| eval::<Native>(text, &[(F, &[n], &vec![1.0; n]), (I, &[], &[at])]);
    assert_eq!(at(2, 1.0).unwrap()[0].to_f64s(), [1.0]);
    assert_eq!(at(2, 2.0), Err(EvalError::Check { site: 1, message: "above".to_string() }));
    assert_eq!(at(2, -1.0), Err(EvalError::Check { site: 0, message: "below".to_string() }));
    let refused = EvalError::Requirement { index: 0, message: "2 rows are too few for 1".to_string() };
    assert_eq!(at(1, 0.0), Err(refused));
}

#[test]
fn what_does_not_fit_is_refused() {
    let text = "graph @big(param n) {
        %0 = index i : i64[i:n]
        %1 = index j : i64[j:n]
        %2 = add %0, %1 : i64[i:n, j:n]
        return r = %2[i, j]
    }";
    let with = |n: i64| graph(text).eval::<Native>(&[], &Bindings::from([("n".into(), n)]));
    assert_eq!(with(2).unwrap()[0].to_f64s(), [0., 1., 1., 2.]);
    assert!(matches!(with(1 << 20), Err(EvalError::Limit { unit: "bytes", .. })));
    assert!(matches!(with(i64::MAX), Err(EvalError::Limit { .. })));
    assert!(matches!(with(-1), Err(EvalError::Operand(_))));
    let missing = graph(text).eval::<Native>(&[], &Bindings::new());
    assert_eq!(missing.unwrap_err().to_string(), "the operands do not determine `n`: give n=VALUE");
}

#[test]
fn endless_sums_are_refused_by_their_steps() {
    let text = "graph @big(param n) {
        %0 = index i : i64[i:n]
        %1 = index j : i64[j:n]
        %2 = add %0, %1 : i64[i:n, j:n]
        %3 = sum[i, j] %2 : i64
        return r = %3[]
    }";
    let result = graph(text).eval::<Native>(&[], &Bindings::from([("n".into(), 1 << 20)]));
    assert!(matches!(result, Err(EvalError::Limit { unit: "steps", .. })), "{result:?}");
}

#[test]
fn long_chains_do_not_exhaust_the_stack() {
    let length = 100_000;
    let mut text = String::from("graph @chain(; %x: f64) {\n  %0 = add %x, %x : f64\n");
    for i in 1..length {
        text += &format!("  %{i} = add %{}, %x : f64\n", i - 1);
    }
    text += &format!("  return y = %{}[]\n}}\n", length - 1);
    let graph: Graph = text.parse().unwrap();
    graph.verify().unwrap();
    let x = Tensor::<Reference>::from_f64s(F, &[], &[1.0]).unwrap();
    let y = graph.eval(&[x], &Bindings::new()).unwrap();
    assert_eq!(y[0].to_f64s(), [length as f64 + 1.0]);
}
