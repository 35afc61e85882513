//! What programs compute, and that every fault is seen.

use super::*;
use crate::domain::{Exact, Native, Reference};
use crate::{Ir, Tensor};

fn func(text: &str) -> Func {
    text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn run<D: Domain>(text: &str, inputs: &[Tensor<D>]) -> Result<Vec<Tensor<D>>, EvalError> {
    func(text).eval(inputs, &Bindings::new())
}

fn vector<D: Domain>(numbers: &[f64]) -> Tensor<D> {
    Tensor::from_f64s(Dtype::F32, &[numbers.len()], numbers).expect("a vector")
}

/// The message of the fault that running the statements over `X` (4 elements) and `Y` causes.
fn fault(declarations: &str, statements: &str) -> String {
    let text = format!("func @f(n) {{ input X: f32[n] output Y: f32[n] {declarations} {statements} }}");
    match run::<Native>(&text, &[vector(&[1.0, 2.0, 3.0, 4.0])]) {
        Err(EvalError::Fault(message)) => message,
        Err(other) => panic!("{other}"),
        Ok(_) => String::new(),
    }
}

const COPY: &str = "for z in 0..n { Y[z] = X[z] }";

const MATMUL: &str = "func @matmul(m, n, k) {
  input A: f32[m, k]
  input B: f32[k, n]
  output C: f32[m, n]
  scratch acc: f32
  parallel for i in 0..m {
    for j in 0..n {
      acc = 0.0f32
      for l in 0..k {
        acc += A[i, l] * B[l, j]
      }
      C[i, j] = acc
    }
  }
}";

fn matmul<D: Domain>() -> Vec<f64> {
    let a = Tensor::from_f64s(Dtype::F32, &[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).expect("a");
    let b = Tensor::from_f64s(Dtype::F32, &[3, 2], &[1.0, 0.0, 0.0, 1.0, 0.5, -1.0]).expect("b");
    let outputs = run::<D>(MATMUL, &[a, b]).expect("no fault");
    assert_eq!(outputs[0].shape, [2, 2]);
    outputs[0].to_f64s()
}

#[test]
fn matmul_in_three_domains() {
    assert_eq!(matmul::<Reference>(), [2.5, -1.0, 7.0, -1.0]);
    assert_eq!(matmul::<Native>(), [2.5, -1.0, 7.0, -1.0]);
    // In the exact domain 2.5 is the residue 5/2: twice it is 5.
    let text = "func @f() { output Y: f32 scratch s: f32 s = 0.5f32 s += 2.0f32 Y = s * 2.0f32 }";
    assert_eq!(
        run::<Exact>(text, &[]).expect("no fault")[0].data,
        [Value::Real(Exact::from_i64(5, Dtype::F32))]
    );
    matmul::<Exact>();
}

#[test]
fn domains_round_or_refuse() {
    let text = "func @f() { output Y: f32 Y = 16777216.0f32 + 1.0f32 }";
    assert_eq!(run::<Native>(text, &[]).expect("native")[0].to_f64s(), [16777216.0]);
    assert_eq!(run::<Reference>(text, &[]).expect("reference")[0].to_f64s(), [16777217.0]);
    let ordered = "func @f() { output Y: f32 Y = max(1.0f32, 2.0f32) }";
    assert!(matches!(run::<Exact>(ordered, &[]), Err(EvalError::Domain(_))));
}

#[test]
fn scalars_of_all_kinds() {
    let text = "func @f(n) {
      input X: f32[n]
      output b: bool[3]
      output i: i64[6]
      output u: u8[2]
      output c: c64[2]
      output r: f64
      scratch flag: bool
      table t: u8[2] = {250, 3}
      flag = true
      flag and= X[0] < X[1]
      b[0] = flag
      b[1] = not(flag) or n == 4 and X[0] != X[1]
      b[2] = select(flag, false, true)
      i[0] = -7 div 2
      i[1] = -7 mod 2
      i[2] = select(n < 3, n, n * 10)
      i[3] = i64(X[3]) + i64(flag)
      i[4] = max(min(n, 2), 1) - popcount(7)
      i[5] = powi(3, 4)
      u[0] = t[0] + u8(10)
      u[1] = t[1]
      u[1] *= 100u8
      let z: c64 = complex(X[0], X[1])
      c[0] = z * z
      c[1] = select(flag, conj(z), z)
      c[1] += (0.0, 1.0)c64
      r = f64(re(z)) + f64(n) + abs(-0.5)
    }";
    let outputs = run::<Native>(text, &[vector(&[1.0, 2.0, 3.0, 4.0])]).expect("no fault");
    assert_eq!(outputs[0].data, [true, true, false].map(Value::Bool));
    assert_eq!(outputs[1].data, [-4, 1, 40, 5, -1, 81].map(Value::Int));
    assert_eq!(outputs[2].data, [4, 44].map(Value::Int));
    assert_eq!(outputs[3].data, [Value::Complex(-3.0, 4.0), Value::Complex(1.0, -1.0)]);
    assert_eq!(outputs[4].to_f64s(), [5.5]);
}

#[test]
fn loops_branches_and_bounds() {
    let text = "func @f(n) {
      input X: f32[n]
      output Y: f32[n]
      for i in 0..n {
        Y[i] = 0.0f32
        for j in max(0, i - 1)..min(n, i + 2) { Y[i] += X[j] }
        for l in 3..1 { Y[9] = 1.0f32 }
        if i mod 2 == 0 { Y[i] *= 2.0f32 } else { if n < i { } else { Y[i] += 0.5f32 } }
      }
    }";
    let outputs = run::<Native>(text, &[vector(&[1.0, 2.0, 3.0, 4.0])]).expect("no fault");
    assert_eq!(outputs[0].to_f64s(), [6.0, 6.5, 18.0, 7.5]);
}

#[test]
fn dft_tables_are_roots_of_unity() {
    let text = "func @f(n) {
      input X: f32[n]
      output Y: c64[n]
      table F: c64[n, n] = dft
      for k in 0..n {
        Y[k] = (0.0, 0.0)c64
        for x in 0..n { Y[k] += F[k, x] * c64(X[x]) }
      }
    }";
    let spectrum = run::<Native>(text, &[vector(&[1.0, 2.0, 3.0, 4.0])]).expect("no fault");
    assert_eq!(spectrum[0].data[1], Value::Complex(-2.0, 2.0));
    run::<Exact>(text, &[vector(&[1.0, 2.0, 3.0, 4.0])]).expect("4 divides p - 1");
}

#[test]
fn a_dft_table_with_one_index_is_the_row_of_frequency_one() {
    let text = "func @f() {
      output Y: c64[4]
      table w: c64[4] = dft
      for x in 0..4 { Y[x] = w[x] }
    }";
    let roots = run::<Native>(text, &[]).expect("no fault");
    let want = [(1.0, 0.0), (0.0, -1.0), (-1.0, 0.0), (0.0, 1.0)];
    for (value, (re, im)) in roots[0].data.iter().zip(want) {
        // Zeros of either sign are equal.
        assert_eq!(*value, Value::Complex(re, im));
    }
}

#[test]
fn indices_outside_are_seen_one_by_one() {
    let text = |index: &str| format!("scratch S: f32[2, 3] S[{index}] = 1.0f32 {COPY}");
    assert_eq!(fault("", &text("1, 2")), "");
    // In memory this would be S[1, 0].
    assert_eq!(fault("", &text("0, 3")), "S[0, 3] lies outside the extents [2, 3]");
    assert_eq!(fault("", &text("1, -1")), "S[1, -1] lies outside the extents [2, 3]");
    assert!(fault("", "for i in 0..n { Y[i] = X[i + 1] }").starts_with("X[4] lies outside"));
}

#[test]
fn reads_of_unwritten_places_are_seen() {
    assert_eq!(fault("scratch S: f32[2]", "Y[0] = S[1]"), "S[1] is read before it is written");
    assert_eq!(fault("scratch r: f32", "r += 1.0f32"), "r is read before it is written");
    assert_eq!(fault("", "Y[0] = Y[1]"), "Y[1] is read before it is written");
    assert_eq!(fault("", "Y[0] = X[0]"), "element 1 of the output `Y` is never written");
}

#[test]
fn a_store_invalidates_what_shares_its_memory() {
    let declare = "scratch A: f32[2] at 0 scratch B: f64[1] at n*2 arena n*4";
    // n = 4: B lies behind A.
    assert_eq!(fault(declare, &format!("A[1] = X[0] B[0] = 1.0 Y[0] = A[1] {COPY}")), "");
    let declare = "scratch A: f32[2] at 0 scratch B: u8[2] at n arena n*4";
    let message = "A[1] is read before it is written";
    assert_eq!(fault(declare, "A[1] = X[0] B[0] = 1u8 Y[0] = A[1]"), message);
    assert_eq!(fault(declare, &format!("A[0] = X[0] B[0] = 1u8 Y[0] = A[0] {COPY}")), "");
    assert_eq!(fault(declare, &format!("B[0] = 1u8 A[1] = X[0] Y[0] = A[1] {COPY}")), "");
    let message = "B[1] is read before it is written";
    assert_eq!(fault(declare, "B[1] = 1u8 A[1] = X[0] Y[0] = f32(B[1])"), message);
    let twice = "scratch A: f32[2, 2] strides [1, 1] at 0 arena n*4";
    assert!(fault(twice, COPY).contains("let elements share a place"));
    assert!(fault("scratch A: f32[4] at n arena n*4", COPY).contains("outside the arena"));
}

#[test]
fn races_are_seen() {
    let race =
        |body: &str| fault("scratch S: f32[8]", &format!("for y in 0..8 {{ S[y] = 0.0f32 }} {body} {COPY}"));
    assert_eq!(race("vector for l in 0..4 { S[l] = 1.0f32 S[l] += S[l + 4] }"), "");
    assert_eq!(
        race("vector for l in 0..4 { S[l div 2] = 1.0f32 }"),
        "lanes 0 and 1 of the vector loop `l` meet at S[0]"
    );
    // Write after read, read after write, and a read by two lanes before the write.
    assert!(race("vector for l in 1..4 { S[l] = S[l + 1] }").contains("1 and 2"));
    assert!(race("vector for l in 1..4 { S[l] = S[l - 1] }").contains("1 and 2"));
    assert!(race("vector for l in 0..3 { S[l] = S[2] S[l] = S[l] }").contains("meet at S[2]"));
    assert!(race("vector for l in 0..4 { S[l] = S[3 - l] }").starts_with("lanes 1 and 2"));
    // What the verifier refuses is a fault before anything runs.
    let meets = "iterations of the parallel loop `j` may meet in `S`";
    assert_eq!(race("parallel for j in 0..2 { parallel for i in 0..n { S[i] = 1.0f32 } }"), meets);
    assert_eq!(race("for j in 0..2 { parallel for i in 0..n { S[i] = 1.0f32 } }"), "");
    assert_eq!(race("parallel for j in 0..2 { for i in 0..4 { S[i + 4 * j] = 1.0f32 } }"), "");
}

#[test]
fn registers_belong_to_an_iteration() {
    let text = |body: &str| format!("scratch r: f32 r = 0.0f32 {body}");
    assert_eq!(fault("", &text("parallel for i in 0..n { r = X[i] Y[i] = r }")), "");
    assert_eq!(fault("", &text("for i in 0..n { Y[i] = r r = X[i] }")), "");
    let message = "r is read before it is written";
    assert_eq!(fault("", &text("parallel for i in 0..n { Y[i] = r r = X[i] }")), message);
    assert_eq!(fault("", &text("parallel for i in 0..n { r = X[i] Y[i] = r } Y[0] = r")), message);
    let text = |body: &str| format!("scratch S: f32[2] private S[1] = 0.0f32 {body}");
    assert_eq!(fault("", &text("parallel for i in 0..n { S[1] = X[i] Y[i] = S[1] }")), "");
    let message = "S[1] is read before it is written";
    assert_eq!(fault("", &text("parallel for i in 0..n { Y[i] = S[1] S[1] = X[i] }")), message);
    assert_eq!(fault("", &text("parallel for i in 0..n { S[1] = X[i] Y[i] = S[1] } Y[0] = S[1]")), message);
}

#[test]
fn checks_requirements_and_limits_are_errors() {
    let text = "func @f(n) { input X: f32[n] require n <= 3 \"too long: {left}\" site 0 \"bad\" @1..2
      for i in 0..n { check X[i] < 2.0f32 site 0 } }";
    let eval = |numbers: &[f64]| run::<Native>(text, &[vector(numbers)]);
    assert!(matches!(eval(&[1.0]), Ok(outputs) if outputs.is_empty()));
    assert_eq!(eval(&[1.0, 2.0]), Err(EvalError::Check { site: 0, message: "bad".into() }));
    let message = "too long: 4".into();
    assert_eq!(eval(&[0.0; 4]), Err(EvalError::Requirement { index: 0, message }));
    assert!(matches!(run::<Native>(text, &[]), Err(EvalError::Operand(_))));
    let endless = func("func @f() { scratch r: i64 r = 0 for i in 0..9223372036854775807 { r += i } }");
    let limits = Limits { steps: 1000, ..Limits::default() };
    let error = endless.eval_within::<Native>(&[], &Bindings::new(), limits);
    assert!(matches!(error, Err(EvalError::Limit { unit: "steps", .. })));
    let huge = "func @f() { output Y: f32[1000000, 1000000, 1000000] }";
    assert!(matches!(run::<Native>(huge, &[]), Err(EvalError::Limit { unit: "bytes", .. })));
    let unbound = "func @f(n) { output Y: i64 Y = n }";
    assert!(matches!(run::<Native>(unbound, &[]), Err(EvalError::Operand(_))));
}
