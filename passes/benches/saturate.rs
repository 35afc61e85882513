//! How long equality saturation takes: chains of operations of growing length, and a small program with
//! several contractions: `cargo bench --bench saturate`.

use std::fmt::Write as _;
use std::time::Instant;
use tcc_ir::graph::Graph;
use tcc_passes::egraph::explain;
use tcc_passes::{PassContext, Pipeline, Quiet};

const ATTENTION: &str =
    "graph @attention(n, d; %X: f32[i:n, p:d], %Wq: f32[p:d, l:d], %Wk: f32[p:d, l:d], %Wv: f32[p:d, c:d]) {
  %0 = mul %X, %Wq : f32[i:n, p:d, l:d]
  %1 = sum[p] %0 : f32[i:n, l:d]
  %2 = index j : i64[j:n]
  %3 = index p : i64[p:d]
  %4 = access %X[%2, %3] : f32[j:n, p:d]
  %5 = mul %4, %Wk : f32[j:n, p:d, l:d]
  %6 = sum[p] %5 : f32[j:n, l:d]
  %7 = mul %4, %Wv : f32[j:n, p:d, c:d]
  %8 = sum[p] %7 : f32[j:n, c:d]
  %9 = mul %1, %6 : f32[i:n, l:d, j:n]
  %10 = size d : i64
  %11 = cast %10 : f32
  %12 = sqrt %11 : f32
  %13 = div %9, %12 : f32[i:n, l:d, j:n]
  %14 = sum[l] %13 : f32[i:n, j:n]
  %15 = softmax[j] %14 : f32[i:n, j:n]
  %16 = mul %15, %8 : f32[i:n, j:n, c:d]
  %17 = sum[j] %16 : f32[i:n, c:d]
  return out = %17[i, c]
}";

fn main() -> Result<(), String> {
    time("attention, 18 operations", &ATTENTION.parse().map_err(|error| format!("{error}"))?)?;
    for operations in [16, 64, 256, 1024] {
        let graph = chain(operations).parse().map_err(|error| format!("{error}"))?;
        time(&format!("chain of {operations} operations"), &graph)?;
    }
    Ok(())
}

/// Scalings, sums and functions, each of the one before.
fn chain(operations: usize) -> String {
    let mut text = String::from(
        "graph @chain(n; %x: f32[i:n]) {\n  %0 = const 0.5 : f32\n  %1 = mul %x, %0 : f32[i:n]\n",
    );
    for number in 2..operations {
        let before = number - 1;
        let operation = match number % 4 {
            0 => format!("mul %{before}, %0 : f32[i:n]"),
            1 => format!("add %{before}, %x : f32[i:n]"),
            2 => format!("tanh %{before} : f32[i:n]"),
            _ => format!("div %{before}, %0 : f32[i:n]"),
        };
        let _ = writeln!(text, "  %{number} = {operation}");
    }
    text + &format!("  return y = %{}[i]\n}}\n", operations - 1)
}

fn time(name: &str, graph: &Graph) -> Result<(), String> {
    let pipeline = Pipeline::parse("saturate").map_err(|error| error.to_string())?;
    let context = PassContext { verify: false, ..PassContext::default() };
    let mut best = f64::INFINITY;
    for _ in 0..10 {
        let mut copy = graph.clone();
        let start = Instant::now();
        pipeline.run_graph(&mut copy, &context, &mut Quiet).map_err(|error| error.to_string())?;
        best = best.min(start.elapsed().as_secs_f64() * 1e3);
    }
    let report = explain(graph, &context);
    let phases: Vec<String> = report
        .phases
        .iter()
        .map(|phase| format!("{:?} {} nodes {}", phase.phase, phase.nodes, phase.stop.name()))
        .collect();
    println!("{name}: {best:.3} ms; {}", phases.join(", "));
    Ok(())
}
