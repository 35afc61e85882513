//! Lowered graphs mean what the graphs mean: both levels are evaluated on the same operands, with
//! symbolic sizes and with constant ones.

mod common;

use common::{agree, bound, lowered};
use tcc_ir::domain::{Exact, Native, Reference};
use tcc_ir::graph::Graph;
use tcc_ir::loops::Func;
use tcc_ir::{Bindings, Ir};
use tcc_passes::PassContext;

fn parse(text: &str) -> Graph {
    text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Checks a program with symbolic and with constant sizes; returns both functions.
fn check(text: &str, bindings: &[(&str, i64)]) -> (Func, Func) {
    let bindings: Bindings = bindings.iter().map(|&(name, value)| (name.into(), value)).collect();
    let graph = parse(text);
    let constant = bound(&graph, &bindings);
    let funcs = [lowered(&graph), lowered(&constant)];
    agree::<Reference>(&graph, &funcs[0], &bindings, 1e-9);
    agree::<Reference>(&constant, &funcs[1], &Bindings::new(), 1e-9);
    let [symbolic, constant_func] = funcs;
    (symbolic, constant_func)
}

/// The same in the exact domain, for programs of field operations.
fn check_exact(text: &str, bindings: &[(&str, i64)]) -> (Func, Func) {
    let funcs = check(text, bindings);
    let bindings: Bindings = bindings.iter().map(|&(name, value)| (name.into(), value)).collect();
    let graph = parse(text);
    agree::<Exact>(&graph, &funcs.0, &bindings, 0.0);
    agree::<Native>(&graph, &funcs.0, &bindings, 1e-4);
    funcs
}

/// Number of elements of the largest scratch buffer.
fn largest_scratch(func: &Func) -> i64 {
    let scratch = func.buffers.iter().filter(|b| matches!(b.role, tcc_ir::loops::Role::Scratch { .. }));
    scratch.filter_map(|b| b.elements().as_const()).max().unwrap_or(0)
}

#[test]
fn a_contraction_is_one_nest_with_a_register() {
    let (func, _) = check_exact(
        "graph @mm(n, m, k; %A: f32[i:n, k:k], %B: f32[k:k, j:m]) {
           %0 = mul %A, %B : f32[i:n, k:k, j:m]
           %1 C = sum[k] %0 : f32[i:n, j:m]
           return C = %1[i, j]
         }",
        &[("n", 3), ("m", 4), ("k", 5)],
    );
    assert_eq!(largest_scratch(&func), 1);
    assert_eq!(func.body.len(), 1, "{func}");
}

const ATTENTION: &str = "graph @attention(n, d, e; %Q: f32[i:n, l:d], %K1: f32[j:n, l:d], %K2: f32[k:n, l:d],
                                                %V1: f32[j:n, c:e], %V2: f32[k:n, c:e]) {
    %0 = mul %Q, %K1 : f32[i:n, l:d, j:n]
    %1 = mul %0, %K2 : f32[i:n, l:d, j:n, k:n]
    %2 = size d : i64
    %3 = cast %2 : f32
    %4 = div %1, %3 : f32[i:n, l:d, j:n, k:n]
    %5 S = sum[l] %4 : f32[i:n, j:n, k:n]
    %6 P = softmax[j, k] %5 : f32[i:n, j:n, k:n]
    %7 = mul %6, %V1 : f32[i:n, j:n, k:n, c:e]
    %8 = mul %7, %V2 : f32[i:n, j:n, k:n, c:e]
    %9 O = sum[j, k] %8 : f32[i:n, c:e]
    return O = %9[i, c]
  }";

#[test]
fn attention_computes_scores_inside_the_softmax() {
    let (_, func) = check(ATTENTION, &[("n", 4), ("d", 3), ("e", 2)]);
    assert_eq!(func.buffers.iter().filter(|b| b.extents.len() == 3).count(), 1, "{func}");
}

#[test]
fn guards_become_bounds_and_tests() {
    let (func, _) = check(
        "graph @window(n, param w; %x: f32[j:n], %A: i64[i:n, j:n]) {
           %0 = index i : i64[i:n]
           %1 = index j : i64[j:n]
           %2 = size w : i64
           %3 = sub %0, %2 : i64[i:n]
           %4 = lt %3, %1 : bool[i:n, j:n]
           %5 = le %1, %0 : bool[i:n, j:n]
           %6 = const 0 : i64
           %7 = ne %A, %6 : bool[i:n, j:n]
           %8 = and %4, %5 : bool[i:n, j:n]
           %9 = and %8, %7 : bool[i:n, j:n]
           %10 = const 0.0 : f32
           %11 = select %9, %x, %10 : f32[i:n, j:n]
           %12 y = sum[j] %11 : f32[i:n]
           %13 = const -inf : f32
           %14 = select %8, %x, %13 : f32[i:n, j:n]
           %15 p = softmax[j] %14 : f32[i:n, j:n]
           %16 = select %4, %x, %13 : f32[i:n, j:n]
           %17 l = logsumexp[j] %16 : f32[i:n]
           %18 = const 2 : i64
           %19 = mul %1, %18 : i64[j:n]
           %20 = lt %19, %0 : bool[i:n, j:n]
           %21 = not %20 : bool[i:n, j:n]
           %22 = select %21, %x, %13 : f32[i:n, j:n]
           %23 m = max[j] %22 : f32[i:n]
           return y = %12[i], p = %15[j, i], l = %17[i], m = %23[i]
         }",
        &[("n", 7), ("w", 3)],
    );
    let text = func.to_string();
    assert!(text.contains("max(i - w + 1, 0)") || text.contains("max(0, i - w + 1)"), "{text}");
}

#[test]
fn accesses_outside_give_the_outside_value() {
    check_exact(
        "graph @stencil(n, m; %x: f32[i:n], %p: i64[q:m]) {
           %0 = index i : i64[i:n]
           %1 = const 1 : i64
           %2 = sub %0, %1 : i64[i:n]
           %3 = add %0, %1 : i64[i:n]
           %4 = const 7.0 : f32
           %5 = access %x [%2 | %4] : f32[i:n]
           %6 = access %x [%3] : f32[i:n]
           %7 = add %5, %6 : f32[i:n]
           %8 y = add %7, %x : f32[i:n]
           %9 = access %8 [%p | %4] : f32[q:m]
           %10 z = mul %9, %9 : f32[q:m]
           return y = %8[i], z = %10[q]
         }",
        &[("n", 3), ("m", 5)],
    );
}

#[test]
fn empty_axes_and_reductions() {
    check(
        "graph @empty(n, m; %x: f32[i:n], %p: i64[q:m]) {
           %0 s = sum[i] %x : f32
           %1 l = logsumexp[i] %x : f32
           %2 = access %x [%p] : f32[q:m]
           %3 h = softmax[q] %2 : f32[q:m]
           %4 a = argmax[q] %3 : i64
           return s = %0[], l = %1[], h = %3[q], a = %4[]
         }",
        &[("n", 0), ("m", 3)],
    );
}

#[test]
fn scatters_drop_what_is_outside() {
    check_exact(
        "graph @scatter(n, m; %p: i64[e:m], %x: f32[e:m, c:2]) {
           %0 = index c : i64[c:2]
           %1 y = scatter.sum[%p, %0] %x : f32[v:n, c:2]
           %2 z = scatter.prod[%p] %p : i64[v:n]
           %3 = mul %1, %1 : f32[v:n, c:2]
           %4 s = sum[v, c] %3 : f32
           return y = %1[c, v], z = %2[v], s = %4[]
         }",
        &[("n", 3), ("m", 9)],
    );
}

#[test]
fn extremes_are_the_first() {
    check(
        "graph @arg(n, m; %x: f32[i:n, j:m], %k: i64[i:n, j:m]) {
           %0 a = argmax[j] %x : i64[i:n]
           %1 b = argmin[i] %k : i64[j:m]
           return a = %0[i], b = %1[j]
         }",
        &[("n", 6), ("m", 9)],
    );
}

#[test]
fn outputs_that_are_inputs_or_equal_are_copied() {
    check_exact(
        "graph @copies(n; %x: f32[i:n, j:2]) {
           %0 = add %x, %x : f32[i:n, j:2]
           %1 = const 2.0 : f32
           %2 = mul %0, %0 : f32[i:n, j:2]
           %3 = sum[i] %2 : f32[j:2]
           return a = %x[j, i], b = %0[i, j], c = %0[j, i], d = %1[], e = %3[j], f = %3[j]
         }",
        &[("n", 3)],
    );
}

#[test]
fn checks_stop_with_their_site() {
    check(
        "graph @checks(n; %p: i64[i:n]) {
           %0 = size n : i64
           %1 = lt %p, %0 : bool[i:n]
           %2 = const 4 : i64
           %3 = lt %p, %2 : bool[i:n]
           %4 = add %p, %2 : i64[i:n]
           check %3 \"first\"
           check %1 \"second\"
           return q = %4[i]
         }",
        &[("n", 2)],
    );
}

const SCAN: &str =
    "graph @scan(T, d, n; %x: f32[t:T, c:d], %A: f32[c:d, k:n], %B: f32[t:T, k:n], %C: f32[t:T, k:n]) {
    %0 = exp %x : f32[t:T, c:d]
    %1 = mul %0, %A : f32[t:T, c:d, k:n]
    %2 = exp %1 : f32[t:T, c:d, k:n]
    %3 = state t forward : f32[t:T, c:d, k:n]
    %4 = index t : i64[t:T]
    %5 = const 1 : i64
    %6 = sub %4, %5 : i64[t:T]
    %7 = index c : i64[c:d]
    %8 = index k : i64[k:n]
    %9 = const 0.0 : f32
    %10 = access %3 [%6, %7, %8 | %9] : f32[t:T, c:d, k:n]
    %11 = mul %2, %10 : f32[t:T, c:d, k:n]
    %12 = mul %0, %B : f32[t:T, c:d, k:n]
    %13 = add %11, %12 : f32[t:T, c:d, k:n]
    %14 h = recur.0 {%3 <- %13} : f32[t:T, c:d, k:n]
    %15 = mul %C, %14 : f32[t:T, k:n, c:d]
    %16 = sum[k] %15 : f32[t:T, c:d]
    %17 y = add %16, %x : f32[t:T, c:d]
    %18 = size T - 1 : i64
    %19 last = access %14 [%18, %7, %8] : f32[c:d, k:n]
    return y = %17[t, c], last = %19[c, k]
  }";

#[test]
fn a_scan_keeps_only_a_window() {
    let (_, func) = check(SCAN, &[("T", 6), ("d", 3), ("n", 2)]);
    assert!(largest_scratch(&func) <= 2 * 3 * 2, "{func}");
    assert!(!func.to_string().contains("select"), "{func}");
    check(SCAN, &[("T", 0), ("d", 3), ("n", 2)]);
    check(SCAN, &[("T", 1), ("d", 3), ("n", 0)]);
}

#[test]
fn a_wave_steps_back_twice_and_records() {
    let (_, func) = check_exact(
        "graph @wave(T, n, r, param depth; %c: f64[z:n], %src: f64[t:T], %rec: i64[q:r]) {
           %0 = state t forward : f64[t:T, z:n]
           %1 = index t : i64[t:T]
           %2 = const 1 : i64
           %3 = sub %1, %2 : i64[t:T]
           %4 = const 2 : i64
           %5 = sub %1, %4 : i64[t:T]
           %6 = index z : i64[z:n]
           %7 = const 0.0 : f64
           %8 = access %0 [%3, %6 | %7] : f64[t:T, z:n]
           %9 = access %0 [%5, %6 | %7] : f64[t:T, z:n]
           %10 = add %6, %2 : i64[z:n]
           %11 = sub %6, %2 : i64[z:n]
           %12 = access %0 [%3, %10 | %7] : f64[t:T, z:n]
           %13 = access %0 [%3, %11 | %7] : f64[t:T, z:n]
           %14 = add %12, %13 : f64[t:T, z:n]
           %15 = mul %14, %c : f64[t:T, z:n]
           %16 = sub %15, %9 : f64[t:T, z:n]
           %17 = add %16, %8 : f64[t:T, z:n]
           %18 = add %17, %src : f64[t:T, z:n]
           %19 u = recur.0 {%0 <- %18} : f64[t:T, z:n]
           %20 seis = access %19 [%1, %rec] : f64[t:T, q:r]
           %21 = size depth : i64
           %22 at = access %19 [%21, %6 | %c] : f64[z:n]
           %23 lag = access %19 [%5, %rec | %src] : f64[t:T, q:r]
           return seis = %20[q, t], at = %22[z], lag = %23[t, q]
         }",
        &[("T", 7), ("n", 3), ("r", 4), ("depth", 9)],
    );
    assert!(largest_scratch(&func) <= 3 * 3, "{func}");
}

#[test]
fn groups_step_together_in_both_directions() {
    let text = |direction: &str, step: &str| {
        format!(
            "graph @group(T, n; %x: f64[t:T, a:n], %w: f64[a:n, b:n]) {{
               %0 = state t {direction} : f64[t:T, a:n]
               %1 = state t {direction} : f64[t:T, b:n]
               %2 = index t : i64[t:T]
               %3 = const 1 : i64
               %4 = {step} %2, %3 : i64[t:T]
               %5 = index a : i64[a:n]
               %6 = index b : i64[b:n]
               %7 = const 0.5 : f64
               %8 = access %0 [%4, %5 | %7] : f64[t:T, a:n]
               %9 = access %1 [%4, %6 | %7] : f64[t:T, b:n]
               %10 = mul %w, %8 : f64[a:n, b:n, t:T]
               %11 = sum[a] %10 : f64[b:n, t:T]
               %12 = add %11, %9 : f64[b:n, t:T]
               %13 = mul %w, %12 : f64[a:n, b:n, t:T]
               %14 = sum[b] %13 : f64[a:n, t:T]
               %15 = add %14, %x : f64[a:n, t:T]
               %16 p = recur.0 {{%0 <- %15, %1 <- %12}} : f64[t:T, a:n]
               %17 q = recur.1 {{%0 <- %15, %1 <- %12}} : f64[t:T, b:n]
               %18 = access %17 [%2, %5] : f64[t:T, a:n]
               %19 = mul %16, %18 : f64[t:T, a:n]
               %20 s = sum[t] %19 : f64[a:n]
               return p = %16[a, t], s = %20[a]
             }}"
        )
    };
    check_exact(&text("forward", "sub"), &[("T", 4), ("n", 2)]);
    check_exact(&text("backward", "add"), &[("T", 4), ("n", 2)]);
    let windowed = |direction: &str, step: &str| {
        text(direction, step).replace("p = %16[a, t], s = %20[a]", "p = %19[a, t]")
    };
    check_exact(&windowed("forward", "sub"), &[("T", 4), ("n", 2)]);
    check_exact(&windowed("backward", "add"), &[("T", 4), ("n", 2)]);
}

#[test]
fn definitions_that_do_not_step_are_copied() {
    check_exact(
        "graph @copy(T, n; %x: f64[t:T, a:n]) {
           %0 = state t forward : f64[t:T, a:n]
           %1 = state t forward : f64[t:T, a:n]
           %2 = index t : i64[t:T]
           %3 = const 2 : i64
           %4 = sub %2, %3 : i64[t:T]
           %5 = index a : i64[a:n]
           %6 = access %0 [%4, %5 | %x] : f64[t:T, a:n]
           %7 = access %1 [%4, %5 | %x] : f64[t:T, a:n]
           %8 = mul %6, %7 : f64[t:T, a:n]
           %9 = state t forward : f64[t:T, a:n]
           %10 = access %9 [%4, %5 | %x] : f64[t:T, a:n]
           %11 = add %8, %10 : f64[t:T, a:n]
           %12 p = recur.0 {%0 <- %x, %1 <- %11, %9 <- %11} : f64[t:T, a:n]
           %13 q = recur.1 {%0 <- %x, %1 <- %11, %9 <- %11} : f64[t:T, a:n]
           return q = %13[t, a], p = %12[t, a]
         }",
        &[("T", 5), ("n", 2)],
    );
}

#[test]
fn deep_and_wide_graphs_lower_in_linear_time() {
    use std::fmt::Write;
    let mut text = String::from("graph @deep(n; %x: f64[i:n]) {\n %0 = add %x, %x : f64[i:n]\n");
    for node in 1..20_000 {
        let (op, other) = if node % 3 == 0 { ("mul", "%x") } else { ("sub", "%0") };
        writeln!(text, " %{node} = {op} %{}, {other} : f64[i:n]", node - 1).unwrap();
    }
    text.push_str(" return y = %19999[i]\n}");
    check_exact(&text, &[("n", 2)]);

    let mut text = String::from("graph @squares(n; %x: f64[i:n]) {\n %0 = mul %x, %x : f64[i:n]\n");
    for node in 1..2_000 {
        writeln!(text, " %{node} = mul %{0}, %{0} : f64[i:n]", node - 1).unwrap();
    }
    text.push_str(" return y = %1999[i]\n}");
    check_exact(&text, &[("n", 2)]);

    let mut text = String::from("graph @sums(n; %x: f64[i:n], %w: f64[i:n, j:n]) {\n");
    let mut last = "%x".to_string();
    for step in 0..1_000 {
        let (node, from, to) = (step * 2, ["i", "j"][step % 2], ["j", "i"][step % 2]);
        writeln!(text, " %{node} = mul {last}, %w : f64[i:n, j:n]").unwrap();
        writeln!(text, " %{} = sum[{from}] %{node} : f64[{to}:n]", node + 1).unwrap();
        last = format!("%{}", node + 1);
    }
    text.push_str(" return y = %1999[i]\n}");
    check_exact(&text, &[("n", 2)]);
}

#[test]
fn transforms_of_all_kinds_and_lengths() {
    for (n, m) in [(1, 1), (2, 3), (4, 8), (6, 5), (7, 12), (11, 9), (16, 1), (0, 4), (3, 0), (15, 2)] {
        check(
            "graph @fft(n, m; %x: c128[b:2, i:n, j:m]) {
               %0 X = fft[i -> k, j -> l] %x : c128[b:2, k:n, l:m]
               %1 y = ifft[k -> j, l -> i] %0 : c128[b:2, j:n, i:m]
               %2 = mul %0, %0 : c128[b:2, k:n, l:m]
               %3 z = ifft[k -> k] %2 : c128[b:2, k:n, l:m]
               return X = %0[k, b, l], y = %1[b, i, j], z = %3[b, k, l]
             }",
            &[("n", n), ("m", m)],
        );
        check(
            "graph @rfft(n, m, p, q; %x: f64[b:2, i:n, j:m]) {
               %0 X = rfft[i -> k, j -> l] %x : c128[b:2, k:n, l:(m div 2) + 1]
               %1 y = irfft[k -> i, l -> j] %0 : f64[b:2, i:n, j:m]
               %2 z = irfft[k -> i, l -> j] %0 : f64[b:2, i:p, j:q]
               return X = %0[b, k, l], y = %1[b, i, j], z = %2[j, i, b]
             }",
            &[("n", n), ("m", m), ("p", n + 2), ("q", 3)],
        );
    }
}

#[test]
fn attention_needs_one_slice_of_scores() {
    let sizes: Bindings = [("n", 512), ("d", 64), ("e", 64)].map(|(name, size)| (name.into(), size)).into();
    let mut func = lowered(&bound(&parse(ATTENTION), &sizes));
    tcc_passes::loops::fuse::run(&mut func, &PassContext::default());
    tcc_passes::loops::reuse_buffers::run(&mut func, &PassContext::default());
    func.verify().unwrap();
    assert!(func.arena.as_ref().unwrap().as_const().unwrap() < 8 << 20, "{func}");
}
