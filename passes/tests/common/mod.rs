//! Evaluating a graph and its loops on the same operands.

use tcc_ir::domain::{Domain, Value};
use tcc_ir::graph::{Graph, Op};
use tcc_ir::loops::Func;
use tcc_ir::{Bindings, Ir, Kind, Tensor};
use tcc_passes::PassContext;
use tcc_passes::lower::lower;

/// The verified loops of a graph.
pub fn lowered(graph: &Graph) -> Func {
    graph.verify().unwrap_or_else(|errors| panic!("{errors}\n{graph}"));
    let func = lower(graph, &PassContext::default()).unwrap_or_else(|error| panic!("{error}\n{graph}"));
    func.verify().unwrap_or_else(|errors| panic!("{errors}\n{graph}\n{func}"));
    func
}

/// The graph with constants for its symbols.
pub fn bound(graph: &Graph, bindings: &Bindings) -> Graph {
    let mut graph = graph.clone();
    graph.symbols.clear();
    graph.requirements.clear();
    for input in &mut graph.inputs {
        input.ty.axes.iter_mut().for_each(|axis| axis.extent = axis.extent.substitute(bindings));
    }
    for node in &mut graph.nodes {
        node.ty.axes.iter_mut().for_each(|axis| axis.extent = axis.extent.substitute(bindings));
        if let Op::Size(extent) = &mut node.op {
            *extent = extent.substitute(bindings);
        }
    }
    graph
}

/// Small operands: reals in steps of 1/8 between -2 and 2, integers from 0 to 3.
pub fn operands<D: Domain>(graph: &Graph, bindings: &Bindings, seed: u64) -> Vec<Tensor<D>> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut random = |bound: u64| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) % bound
    };
    graph
        .inputs
        .iter()
        .map(|input| {
            let shape: Vec<usize> =
                input.ty.axes.iter().map(|axis| axis.extent.eval(bindings).unwrap() as usize).collect();
            let dtype = input.ty.dtype;
            let mut real = || D::from_f64(random(33) as f64 / 8.0 - 2.0, dtype.part());
            let data = (0..shape.iter().product())
                .map(|_| match dtype.kind() {
                    Kind::Float => Value::Real(real()),
                    Kind::Complex => Value::Complex(real(), real()),
                    Kind::Int | Kind::Bool => Value::Int(0),
                })
                .collect::<Vec<_>>();
            let data = data
                .into_iter()
                .map(|value| match (value, dtype.kind()) {
                    (Value::Int(_), Kind::Int) => Value::Int(random(4) as i64),
                    (Value::Int(_), _) => Value::Bool(random(2) == 1),
                    (value, _) => value,
                })
                .collect();
            Tensor::from_values(dtype, &shape, data).unwrap()
        })
        .collect()
}

fn close<D: Domain>(a: &Value<D>, b: &Value<D>, tolerance: f64) -> bool {
    let real = |a: D::Real, b: D::Real| {
        let (x, y) = (D::to_f64(a), D::to_f64(b));
        a == b || (x.is_nan() && y.is_nan()) || (x - y).abs() <= tolerance * (1.0 + x.abs())
    };
    match (a, b) {
        (Value::Real(a), Value::Real(b)) => real(*a, *b),
        (Value::Complex(a, b), Value::Complex(c, d)) => real(*a, *c) && real(*b, *d),
        (a, b) => a == b,
    }
}

/// Compares both on two sets of operands, up to a relative error.
pub fn agree<D: Domain>(graph: &Graph, func: &Func, bindings: &Bindings, tolerance: f64) {
    for seed in 0..2 {
        let operands = operands::<D>(graph, bindings, seed);
        let want = graph.eval(&operands, bindings);
        let got = func.eval(&operands, bindings);
        let (want, got) = match (want, got) {
            (Ok(want), Ok(got)) => (want, got),
            (Err(want), Err(got)) if want.to_string() == got.to_string() => continue,
            (want, got) => panic!("graph: {want:?}\nloops: {got:?}\n{graph}\n{func}"),
        };
        for (output, (want, got)) in graph.outputs.iter().zip(want.iter().zip(&got)) {
            assert_eq!(want.shape, got.shape, "{}\n{graph}\n{func}", output.name);
            for (position, (a, b)) in want.data.iter().zip(&got.data).enumerate() {
                assert!(
                    close(a, b, tolerance),
                    "{} {}[{position}]: graph {a:?}, loops {b:?}\n{graph}\n{func}",
                    D::NAME,
                    output.name
                );
            }
        }
    }
}
