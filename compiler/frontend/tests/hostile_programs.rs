//! Programs that are large, deep or strange: they end in a graph that verifies or in diagnostics, soon.

use tcc_frontend::diagnostic::Code;
use tcc_frontend::{Options, Program, compile};

fn built(source: &str) -> Program {
    let program = compile(source, &Options::default()).unwrap_or_else(|list| panic!("{list:#?}"));
    program.graph.verify().unwrap_or_else(|errors| panic!("{errors}"));
    program
}

fn codes(source: &str) -> Vec<Code> {
    match compile(source, &Options::default()) {
        Ok(_) => Vec::new(),
        Err(list) => list.into_iter().filter(|d| d.is_error()).map(|d| d.code).collect(),
    }
}

#[test]
fn a_chain_of_twenty_thousand_equations() {
    let mut source = String::from("in x0 : f32[n]\nout y : f32[n]\n");
    // Last line first: the order of lines has no meaning.
    for k in (1..=20_000).rev() {
        source.push_str(&format!("x{k}[i] = x{}[i]*0.5 + x{}[i]\n", k - 1, (k - 1) / 2));
    }
    source.push_str("y[i] = x20000[i]\n");
    assert!(built(&source).graph.nodes.len() > 40_000);
}

#[test]
fn a_recurrence_whose_types_come_from_its_last_member() {
    for count in [11, 12, 20, 2000] {
        let mut source = String::from("in x : f32[T]\nout a0 : f32[T]\n");
        for k in 0..count {
            source.push_str(&format!("a{k}[t] = a{}[t] + a{k}[t-1 | 0]\n", k + 1));
        }
        source.push_str(&format!("a{count}[t] = x[t] + a0[t-1 | 0]\n"));
        let states = |op: &tcc_ir::graph::Op| matches!(op, tcc_ir::graph::Op::State { .. });
        let graph = built(&source).graph;
        assert!(graph.nodes.iter().filter(|n| states(&n.op)).all(|n| n.ty.dtype == tcc_ir::Dtype::F32));
    }
}

#[test]
fn sums_of_twenty_thousand_terms() {
    for op in ["+", "-", "*", "/"] {
        let terms = vec!["(x[i] - 2)"; 20_000].join(op);
        assert!(
            built(&format!("in x : f32[n]\nout y : f32[n]\ny[i] = {terms}\n")).graph.nodes.len() > 20_000
        );
    }
    let terms = vec!["x[i] > 2"; 20_000].join(" and ");
    built(&format!("in x : f32[n]\nout y : f32[n]\ny[i] = [{terms}]\n"));
    // A function whose body is a chain, in itself, and a reduction that must look at every term.
    let body = vec!["a"; 2000].join(" + ");
    let calls = format!("{}x[i]{}", "f(".repeat(50), ")".repeat(50));
    let source = format!("in x : f32[n]\nout y : f32[n]\nfn f(a) = {body}\ny[i] = {calls}\n");
    assert_eq!(codes(&source), [Code::TooLarge]);
    let terms = vec!["x[i]"; 20_000].join(" + ");
    built(&format!("in x : f32[n]\nout y : f32\ny += {terms}\n"));
}

#[test]
fn a_recurrence_of_many_members() {
    let mut source = String::from("in x : f32[T]\nout h0 : f32[T]\nh0[t] = x[t] + h1999[t-1 | 0]\n");
    for k in 1..2000 {
        source.push_str(&format!("h{k}[t] = h{}[t] + x[t]\n", k - 1));
    }
    built(&source);
}

#[test]
fn functions_that_grow_without_end_are_refused() {
    let mut source = String::from("in x : f32[n]\nout y : f32[n]\nfn f0(a) = a + a\n");
    for k in 1..60 {
        source.push_str(&format!("fn f{k}(a) = f{}(a) + f{}(a)\n", k - 1, k - 1));
    }
    source.push_str("y[i] = f59(x[i])\n");
    assert_eq!(codes(&source), [Code::TooLarge]);
    let mut source = String::from("in x : f32[n]\nout y : f32[n]\nfn f0(a) = a*a\n");
    for k in 1..60 {
        source.push_str(&format!("fn f{k}(a) = f{}(a*a)\n", k - 1));
    }
    source.push_str("y[i] = f59(x[i])\n");
    assert_eq!(codes(&source), [Code::TooLarge]);
}

#[test]
fn depth_ends_in_a_graph_or_a_diagnostic() {
    for depth in [100, 190, 450, 3000] {
        let sum = vec!["x[i]"; depth].join(" + ");
        let _ = compile(&format!("in x : f32[n]\nout y : f32[n]\ny[i] = {sum}\n"), &Options::default());
        let brackets = format!("{}x[i]{}", "(1+".repeat(depth), ")".repeat(depth));
        let _ = compile(&format!("in x : f32[n]\nout y : f32[n]\ny[i] = {brackets}\n"), &Options::default());
        let reads = format!("{}i{}", "k[".repeat(depth), "]".repeat(depth));
        let _ = compile(&format!("in k : i64[n]\nout y : i64[n]\ny[i] = {reads}\n"), &Options::default());
    }
}

#[test]
fn sizes_that_multiply_out_are_refused_or_kept_small() {
    let factors: Vec<String> = (0..30).map(|k| format!("(a{k}+b{k})")).collect();
    let source = format!("out y : f32\nz[i:{}] = 1.5\ny = sum[i] z[i]\n", factors.join("*"));
    let _ = compile(&source, &Options::default());
    let power = "in x : f32[n]\nout y : f32\nz[i:((((n+1)^16)^16)^16)^16] = 1.5\ny = sum[i] z[i]\n";
    let _ = compile(power, &Options::default());
}

#[test]
fn strange_programs_do_not_panic() {
    let programs = [
        "",
        "y = 1",
        "out y : f32\ny = y",
        "out y : f32\ny = nan",
        "out y : f32[0]\ny[i] = i",
        "in x : f32[n]\nout x : f32[n]",
        "in n : f32[n]\nout y : f32\ny = sum[i] n[i]",
        "fn f(a, a) = a\nout y : f32\ny = f(1, 2)",
        "out y : f32[n, n]\ny[i,i] = 1",
        "in x : f32[n]\nout y : f32\ny += x[x[i]]",
        "out y : i64\ny = 9223372036854775807 + 1",
        "out y : i64\ny = -9223372036854775807 - 2",
        "out y : f32[9223372036854775807]\ny[i] = 0",
        "out y : i64\ny = {1,2,3}[5]",
        "out y : i64\ny = {1,2,3}[-1]",
        "param a : int = b\nparam b : int = a\nout y : i64\ny = a",
        "in x : f32[n]\nout y : f32[n]\ny[i] = x[i] if",
        "in x : f32[n]\nout y : f32[n]\ny[j] = sum[j] x[j]",
        "out h : f32[T]\nh[t] = h[t-1 | h[t-2 | 0]]",
        "out h : f32[T]\nh[t] = h[t-1-h[t-1|0] | 0]",
        "in e : i64[T]\nout h : f32[T, 4]\nh[t, e[t]] += h[t-1, e[t] | 0] + 1",
        "in x : f32[n]\nout y : f32[m]\ny[(a b)] = x[(a b)]",
        "in x : f32[a*b]\nout y : f32[a]\ny[i] = sum[j] x[(i j)]",
        "in x : f32[n] in [2, 1]\nout y : f32\ny = sum[i] x[i]",
        "out y : c64\ny = sum[i:3] cis(i)^0.5",
        "in x : bool[n]\nout y : i64\ny = sum[i] x[i]",
        "in x : f32[n]\nout y : f32\ny = sum[i where x[x[0]] > 0] x[i]",
        "in x : f32[n]\nout y : f32[n]\ny[k] = fft[i -> k] x[i]",
        "out y : f32[3]\ny[i] = dft(3)[i,i]",
        "in x : f32[n]\nout y : f32[n]\ny[i] = x[i mod 0]",
        "in x : f32[n]\nout y : f32[n]\ny[i] = x[2^i]",
        "out y : f32\ny = sum[i:9223372036854775807, j:9223372036854775807] 1",
    ];
    for source in programs {
        if let Ok(program) = compile(source, &Options::default()) {
            program.graph.verify().unwrap_or_else(|errors| panic!("{source}\n{errors}\n{}", program.graph));
        }
        let expression = Options { expression: true, ..Options::default() };
        if let Ok(program) = compile(source, &expression) {
            program.graph.verify().unwrap_or_else(|errors| panic!("{source}\n{errors}"));
        }
    }
}
