//! The text form of the graph level: round trips, positions of errors, hostile text.

use tcc_ir::graph::Graph;
use tcc_ir::scalar::SCALAR_OPS;
use tcc_ir::{Dtype, ScalarOp};

/// Every operation and every kind of declaration, as it is printed.
const EVERYTHING: &str = r#"graph @everything(n, T, param R = 2*n, param Z; %Q: f32[i:n, l:4] in [-1.0, 1.0], %q.1: i64[t:T], param %tau: f64 = 0.5, param %x: f64) {
  %0 S = mul %Q, %Q : f32[i:n, l:4]
  %1 = sum[l] %0 : f32[i:n]
  %2 = index i : i64[i:n]
  %3 = index l : i64[l:4]
  %4 = const 1.5 : f32
  %5 = access %Q[%2, %3 | %4] : f32[i:n, l:4]
  %6 = access %q.1[%2] : i64[i:n]
  %7 = scatter.max [%6, %3] %5 : f32[v:7, l:4]
  %8 = state t forward : f32[t:T]
  %9 = index t : i64[t:T]
  %10 = const -1 : i64
  %11 = add %9, %10 : i64[t:T]
  %12 = access %8[%11 | %4] : f32[t:T]
  %13 h = recur.0 {%8 <- %12} : f32[t:T]
  %14 = rfft[i -> k, l -> m] %Q : c64[k:n, m:3]
  %15 = irfft[k -> i, m -> l] %14 : f32[i:n, l:4]
  %16 = softmax[i, l] %15 : f32[i:n, l:4]
  %17 = logsumexp[l] %16 : f32[i:n]
  %18 = table {1, 2, 3} : i64[a:3]
  %19 = table {true, false} : bool[b:2]
  %20 = dft : c128[k:n, x:n]
  %21 = size (n div 2) + 1 : i64
  %22 = const (0.0, -inf) : c64
  %23 = const nan : f64
  %24 = const 1e-300 : f64
  %25 = cast %tau : f32
  %26 = access %25[ | %4] : f32
  %27 = argmax[l] %Q : i64[i:n]
  %28 = le %27, %2 : bool[i:n]
  %29 = const -0.0 : f16
  %30 = const -9223372036854775808 : i64
  require n <= 2*Z + 1 "say \"{left}\" \\ {right}\non two lines" @10..20
  require (R mod 3) == 0 "message"
  require 4 divides n "tab\u{9}é"
  check %28 "first"
  check %28 "second # (((" @0..18446744073709551615
  return O = %17[i], P = %13[t], Z = %4[]
}
"#;

#[test]
fn everything_prints_as_it_reads() {
    let graph: Graph = EVERYTHING.replace("[ | %4]", "[| %4]").parse().unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(graph.verify(), Ok(()));
    assert_eq!(graph.to_string(), EVERYTHING.replace("[ | %4]", "[| %4]"));
    assert_eq!(graph.to_string().parse::<Graph>().map(|g| g.to_string()), Ok(graph.to_string()));
}

#[test]
fn every_scalar_operation_reads_back() {
    for row in SCALAR_OPS {
        let dtypes = |d: Dtype| match row.op {
            ScalarOp::Select => vec![Dtype::Bool, d, d],
            ScalarOp::PowInt => vec![d, Dtype::I64],
            _ => vec![d; row.arity],
        };
        let (operands, result) = Dtype::TABLE
            .iter()
            .map(|&(d, _, _)| {
                (
                    dtypes(d),
                    if row.op == ScalarOp::Cast { Some(Dtype::F16) } else { row.op.result_dtype(&dtypes(d)) },
                )
            })
            .find_map(|(operands, result)| result.map(|r| (operands, r)))
            .unwrap();
        let inputs: Vec<String> = operands.iter().enumerate().map(|(i, d)| format!("%x{i}: {d}")).collect();
        let names: Vec<String> = (0..operands.len()).map(|i| format!("%x{i}")).collect();
        let text = format!(
            "graph @g({}) {{\n  %0 = {} {} : {result}\n  return y = %0[]\n}}\n",
            inputs.join(", "),
            row.name,
            names.join(", ")
        );
        let graph: Graph = text.parse().unwrap_or_else(|e| panic!("{e}\n{text}"));
        assert_eq!(graph.verify(), Ok(()), "{text}");
        assert_eq!(graph.to_string(), text);
    }
}

#[test]
fn comments_and_line_breaks_mean_nothing() {
    let text = "# a graph\ngraph @\"odd name!\"(n # the size\n; %A: f32[i:n +# more\n 1])\n{ return }";
    let graph: Graph = text.parse().unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(graph.to_string(), "graph @\"odd name!\"(n; %A: f32[i:n + 1]) {\n  return\n}\n");
}

#[test]
fn errors_say_where() {
    let cases = [
        ("", (1, 1), "expected"),
        ("graph @g() {\n  %0 = nope %1 : f32\n  return\n}", (2, 8), "no operation `nope`"),
        ("graph @g() {\n  %0 = add %1, %1 : f32\n  return\n}", (2, 12), "`%1` is not defined before this"),
        ("graph @g() {\n  %0 = const 1 : f33\n  return\n}", (2, 18), "no dtype `f33`"),
        ("graph @g() {\n  %0 = const 1 : i64\n  %0 = const 1 : i64\n  return\n}", (3, 3), "defined twice"),
        ("graph @g() {\n  %0 = const 99999999999999999999 : i64\n  return\n}", (2, 14), "64 bits"),
        ("graph @g(%1: f32) {\n  return\n}", (1, 10), "a name, not a number"),
        ("graph @g(%A: f32 = 1.0) {\n  return\n}", (1, 18), "only a parameter"),
        ("graph @g() {\n  %x = const 1 : i64\n  return\n}", (2, 3), "a number, not a name"),
        ("graph @g() {\n  return\n", (3, 1), "expected"),
        ("graph @g() {\n  %0 = size 4 4 : i64\n  return\n}", (2, 15), "expected"),
    ];
    for (text, place, message) in cases {
        let error = text.parse::<Graph>().expect_err(text);
        assert_eq!((error.line, error.column), place, "{error}\n{text}");
        assert!(error.message.contains(message), "{error}\n{text}");
    }
}

#[test]
fn hostile_text_ends_in_an_error() {
    let deep = "(".repeat(100_000);
    for text in [
        format!("graph @g({deep}"),
        format!("graph @g(n = {deep}n"),
        format!("graph @g(n = {}n) {{ return }}", "-".repeat(100_000)),
        format!("graph @g(n = n{}) {{ return }}", "*n".repeat(100_000)),
        format!("graph @{}", "\"\\".repeat(10_000)),
        "graph @\"\\u{110000}\"() { return }".to_string(),
    ] {
        assert!(text.parse::<Graph>().is_err(), "{}", &text[..30]);
    }
}

/// A small generator of pseudo-random numbers: the same mutations on every run.
fn mix(state: &mut u64) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as usize
}

#[test]
fn damaged_text_never_panics() {
    let text: Vec<char> = EVERYTHING.chars().collect();
    let mut state = 1;
    for _ in 0..1000 {
        let mut damaged = text.clone();
        for _ in 0..=mix(&mut state) % 3 {
            let (at, from) = (mix(&mut state) % damaged.len(), mix(&mut state) % text.len());
            match mix(&mut state) % 3 {
                0 => damaged[at] = text[from],
                1 => damaged.insert(at, text[from]),
                _ => drop(damaged.remove(at)),
            }
        }
        let damaged: String = damaged.into_iter().collect();
        // What still reads prints a text that reads to the same, and the verifier copes with it.
        if let Ok(graph) = damaged.parse::<Graph>() {
            let printed = graph.to_string();
            assert_eq!(printed.parse::<Graph>().map(|g| g.to_string()).as_ref(), Ok(&printed));
            let _ = graph.verify();
        }
    }
}
