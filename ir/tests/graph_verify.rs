//! Every rule of the contract of the graph level is checked.

use tcc_ir::graph::{Check, Graph, Op, Output, ValueId};
use tcc_ir::scalar::Literal;
use tcc_ir::{Axis, Dtype, Extent, Type};

/// The first message of the verifier about a graph with these declarations and lines.
fn broken(declarations: &str, lines: &str) -> String {
    let text = format!("graph @g({declarations}) {{\n{lines}\n}}\n");
    let graph: Graph = text.parse().unwrap_or_else(|e| panic!("{e}\n{text}"));
    match graph.verify() {
        Ok(()) => panic!("accepted:\n{text}"),
        Err(errors) => errors.0[0].clone(),
    }
}

#[track_caller]
fn rejects(declarations: &str, lines: &str, message: &str) {
    let first = broken(declarations, lines);
    assert!(first.contains(message), "{first}\nexpected: {message}");
}

#[test]
fn declarations_are_unique_and_complete() {
    rejects("n, n", "return", "symbol `n`: is declared twice");
    rejects("%A: f32, %A.1: f32[i:m]", "return", "size `m` is not declared");
    rejects("n = m + 1", "return", "size `m` is not declared");
    rejects("n", "require n <= m \"\" return", "size `m` is not declared");
    rejects("%A: f32", "return O = %A[], O = %A[]", "output `O`: is declared twice");
    rejects("", "%0 = size m : i64 return", "size `m` is not declared");
    rejects("param %A: f32", "return", "a parameter is one f64");
}

#[test]
fn operands_stand_before_their_users() {
    let mut graph = Graph::default();
    graph.push(Op::Map(tcc_ir::ScalarOp::Neg, vec![ValueId(0)]), Type::scalar(Dtype::F32));
    assert!(graph.verify().unwrap_err().0[0].contains("%0: operand %0 does not stand before it"));
    let missing = |graph: Graph| graph.verify().unwrap_err().0[0].clone();
    let output = Output { name: "O".into(), value: ValueId(3), axes: Vec::new() };
    assert!(missing(Graph { outputs: vec![output], ..Graph::default() }).contains("does not exist"));
    let check = Check { value: ValueId(3), message: String::new(), span: None };
    assert!(missing(Graph { checks: vec![check], ..Graph::default() }).contains("does not exist"));
}

#[test]
fn names_are_words() {
    let mut graph = Graph::default();
    let axis = Axis::new("two words", Extent::from(2));
    graph.push(Op::Index("two words".into()), Type::new(Dtype::I64, vec![axis]));
    assert!(graph.verify().unwrap_err().0[0].contains("axis `two words` is not a word"));
}

#[test]
fn types_are_what_operations_give() {
    let a = "n; %A: f32[i:n, j:4], %B: f32[j:5], %C: f64, %D: i64, %E: c64[i:n], %F: bool";
    let rejects = |line: &str, message: &str| rejects(a, &format!("{line} return"), message);
    rejects("%0 = add %A, %B : f32[i:n, j:4]", "axis `j` has two extents");
    rejects("%0 = add %A, %A : f32[i:n]", "is written as f32[i:n] but is f32[i:n, j:4]");
    rejects("%0 = neg %A : f32[i:n, i:n]", "two axes are called `i`");
    rejects("%0 = add %A, %C : f32[i:n, j:4]", "`add` does not take (f32, f64)");
    rejects("%0 = add %A : f32[i:n, j:4]", "`add` does not take (f32)");
    rejects("%0 = cast %A, %A : f32[i:n, j:4]", "`cast` does not take");
    rejects("%0 = const 1.5 : i64", "1.5 is not a literal of i64");
    rejects("%0 = const 256 : u8", "256 is not a literal of u8");
    rejects("%0 = table {1, 2} : i64[a:3]", "2 elements");
    rejects("%0 = table {1, 2} : i64[a:n]", "is not constant");
    rejects("%0 = table {1.0, 2.0} : i64[a:2]", "not a literal");
    rejects("%0 = dft : c64[k:n, x:4]", "two axes of one extent");
    rejects("%0 = dft : f32[k:n, x:n]", "complex");
    rejects("%0 = index i : i64[j:4]", "lacks axis `i`");
    rejects("%0 = index i : i32[i:n]", "but is i64[i:n]");
    rejects("%0 = sum[k] %A : f32[i:n]", "axis `k` is not an axis");
    rejects("%0 = sum[i, i] %A : f32[j:4]", "given twice");
    rejects("%0 = argmax[i, j] %A : i64", "takes one axis");
    rejects("%0 = any[i] %A : f32[j:4]", "`any` does not take f32");
    rejects("%0 = access %A[%D] : f32", "1 indices for 2 axes");
    rejects("%0 = access %B[%C] : f32", "not an integer");
    rejects("%0 = access %B[%D | %C] : f32", "outside value is f64");
    rejects("%0 = scatter.argmax [%D] %C : f64[v:3]", "does not take");
    rejects("%0 = scatter.sum [%D, %D] %C : f64[v:3]", "2 indices for 1 axes");
    rejects("%0 = softmax[i] %E : c64[i:n]", "takes floats");
    rejects("%0 = logsumexp[j] %A : f32[i:n, j:4]", "but is f32[i:n]");
    rejects("%0 = fft[i -> k] %A : f32[k:n, j:4]", "`fft` does not take f32");
    rejects("%0 = rfft[i -> j] %A : c64[j:4]", "the transform has two axes `j`");
    rejects("%0 = rfft[i -> k, j -> l] %A : c64[k:n, l:4]", "but is c64[k:n, l:3]");
    rejects("%0 = rfft[i -> k, i -> l] %A : c64[k:n, l:4]", "given twice");
    rejects("%0 = irfft[i -> k] %E : f32[x:7]", "lacks axis `k`");
}

const STATES: &str = "T; %x: f64[t:T, j:2], %v: f64";

/// A recurrence over `t` whose body is `%5` and on.
fn recurrence(body: &str) -> String {
    format!(
        "%0 = state t forward : f64[t:T]
         %1 = index t : i64[t:T]
         %2 = const 1 : i64
         %3 = sub %1, %2 : i64[t:T]
         %4 = access %0[%3 | %v] : f64[t:T]
         {body}"
    )
}

#[test]
fn recurrences_read_only_what_is_finished() {
    let rejects = |body: &str, message: &str| rejects(STATES, &recurrence(body), message);
    let end = "%9 = recur.0 {%0 <- %4} : f64[t:T] return";
    rejects("return", "belongs to no recurrence");
    rejects(&format!("%5 = neg %0 : f64[t:T] {end}"), "reads a state directly");
    rejects(&format!("%5 = access %0[%1 | %v] : f64[t:T] {end}"), "not an earlier one by a constant");
    rejects(
        &format!("%6 = add %1, %2 : i64[t:T] %5 = access %0[%6 | %v] : f64[t:T] {end}"),
        "not an earlier one",
    );
    rejects(
        &format!("%6 = size T : i64 %7 = sub %1, %6 : i64[t:T] %5 = access %0[%7 | %v] : f64[t:T] {end}"),
        "not an earlier one",
    );
    rejects(&format!("%5 = access %0[%3] : f64[t:T] {end}"), "without an outside value");
    rejects(&format!("%5 = sum[t] %4 : f64 {end}"), "loses the stepped axis `t`");
    rejects(&format!("%5 = softmax[t] %4 : f64[t:T] {end}"), "normalises along the stepped axis");
    rejects(&format!("%5 = access %4[%3 | %v] : f64[t:T] {end}"), "at another step");
    rejects(&format!("%5 = scatter.sum [%3] %4 : f64[t:T] {end}"), "scatters to another step");
    rejects("%9 = recur.0 {%0 <- %4} : f64[t:T] return O = %4[t]", "escapes the body");
    rejects("%9 = recur.0 {%0 <- %v} : f64[t:T] return", "cannot define");
    rejects("%9 = recur.1 {%0 <- %4} : f64[t:T] return", "there is no state 1");
    rejects("%9 = recur.0 {%4 <- %4} : f64[t:T] return", "%4 is not a state");
    let twice = "%9 = recur.0 {%0 <- %4} : f64[t:T] %5 = index t : i64[t:T] %6 = cast %5 : f64[t:T]
                 %10 = recur.0 {%0 <- %6} : f64[t:T] return";
    rejects(twice, "disagree");
    let other = "%5 = state t forward : f64[t:T] %6 = access %5[%3 | %v] : f64[t:T]";
    rejects(
        &format!("{other} %7 = add %4, %6 : f64[t:T] %8 = recur.0 {{%5 <- %6}} : f64[t:T] {end}"),
        "depends on states of two groups",
    );
    rejects(
        &format!("{other} %8 = recur.0 {{%5 <- %4}} : f64[t:T] {end}"),
        "depends on a state of another group",
    );
    let backward = "%5 = state t backward : f64[t:T] %8 = recur.0 {%0 <- %4, %5 <- %4} : f64[t:T] return";
    rejects(backward, "step along different axes");
}

#[test]
fn a_correct_recurrence_is_accepted() {
    let text = format!(
        "graph @g({STATES}) {{ {} }}",
        recurrence("%9 = recur.0 {%0 <- %4} : f64[t:T] return O = %9[t]")
    );
    let graph: Graph = text.parse().unwrap();
    assert_eq!(graph.verify(), Ok(()));
}

#[test]
fn roots_are_bool_and_fully_ordered() {
    rejects("%A: f32[i:2]", "check %A \"\" return", "the value is not bool");
    rejects("%A: f32[i:2]", "return O = %A[]", "does not list each axis");
    rejects("%A: f32[i:2]", "return O = %A[i, i]", "does not list each axis");
}

#[test]
fn errors_are_bounded() {
    let mut graph = Graph::default();
    for _ in 0..1000 {
        graph.push(Op::Const(Literal::Int(1)), Type::scalar(Dtype::F32));
    }
    assert_eq!(graph.verify().unwrap_err().0.len(), 20);
}
