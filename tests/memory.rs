//! Working memory, asserted from the plan, and operations, counted on the loops: neither depends on the
//! machine.

use std::path::Path;
use tcc::{Compiler, Source};
use tcc_ir::loops::{Func, Role};
use tcc_ir::{Bindings, Ir, Reference, Tensor, Value};
use tcc_passes::Quiet;
use tcc_passes::loops::count::Count;

/// The loops of a program for these sizes, where one call may take `memory` bytes.
fn within(text: &str, memory: u64) -> (tcc_ir::graph::Graph, tcc_ir::loops::Func) {
    let source = Source { name: "network.ein".into(), text: text.into(), expression: false };
    let compiler = Compiler::new().pipeline(PLAIN).expect("a pipeline").memory_limit(memory);
    let program = compiler.check(&source, &[], &[]).expect("the program is right");
    let func = compiler.lower(&program.graph, &Bindings::new(), &mut Quiet).expect("it can be lowered");
    (program.graph, func)
}

/// Bytes of operands and results.
fn operands(func: &tcc_ir::loops::Func) -> i64 {
    let given = |role: &Role| matches!(role, Role::Input | Role::Output);
    let buffers = func.buffers.iter().filter(|buffer| given(&buffer.role));
    buffers.map(|b| b.elements().as_const().expect("a size") * b.dtype.size_bytes() as i64).sum()
}

/// Small integers: sums and products of them are exact in any order.
fn small_integers(graph: &tcc_ir::graph::Graph) -> Vec<Tensor<Reference>> {
    let mut next = 1u64;
    let mut number = || {
        next = next.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        Value::Real((next >> 60) as f64 - 8.0)
    };
    let operand = |input: &tcc_ir::graph::Input| {
        let shape: Vec<usize> =
            input.ty.axes.iter().map(|a| a.extent.as_const().expect("a size") as usize).collect();
        let data = (0..shape.iter().product()).map(|_| number()).collect();
        Tensor::from_values(input.ty.dtype, &shape, data).expect("the shape fits")
    };
    graph.inputs.iter().map(operand).collect()
}

/// Networks whose cheapest order stores large intermediates.
const NETWORKS: [&str; 3] = [
    // The large intermediate has an axis of the result.
    "in A : f64[20, 30]\nin B : f64[30, 20]\nin C : f64[20, 30]\nout O : f64[20, 30]\n\
     O[p,k] = sum[i,q] A[p,i] * B[i,q] * C[q,k]",
    // Nothing of it stays: the slices are summed.
    "in A : f64[20, 12]\nin B : f64[20, 12]\nin C : f64[12, 20]\nin D : f64[12, 20]\nout O : f64\n\
     O = sum[p,q,i,j] A[i,p] * B[i,q] * C[p,j] * D[q,j]",
    "in A : f64[12, 11]\nin B : f64[11, 12]\nin C : f64[12, 10]\nin D : f64[10, 12]\nin E : f64[12, 12]\n\
     out O : f64[10]\nO[j] = sum[p,i,q,r] A[p,i] * B[i,q] * C[q,j] * D[j,r] * E[r,p]",
];

/// Without the passes that merge loops, which leave little to slice in networks as small as these.
const PLAIN: &str = "fold, canonicalize, cse, contraction_order, dce | simplify, expand_math, reuse_buffers";

/// A limit is met by slices, and what is computed slice by slice is the same.
#[test]
fn intermediates_are_sliced_to_the_memory_that_there_is() {
    for text in NETWORKS {
        let (graph, free) = within(text, 1 << 30);
        let working =
            |func: &tcc_ir::loops::Func| func.arena.clone().and_then(|a| a.as_const()).expect("a plan");
        let wanted = (working(&free) / 4).max(1);
        let (_, sliced) = within(text, (operands(&free) + wanted) as u64);
        assert!(working(&sliced) <= wanted, "{} of {wanted}\n{text}\n{sliced}", working(&sliced));
        let inputs = small_integers(&graph);
        let none = Bindings::new();
        let expected = graph.eval(&inputs, &none).expect("the graph has a value");
        assert_eq!(sliced.eval(&inputs, &none).expect("the loops have a value"), expected, "{sliced}");
        assert_eq!(free.eval(&inputs, &none).expect("the loops have a value"), expected, "{free}");
    }
}

/// The loops of an example at the default level.
fn loops(example: &str, sizes: &[(&str, i64)]) -> (Func, Bindings) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(example);
    let text = std::fs::read_to_string(path).expect("an example");
    let source = Source { name: example.into(), text, expression: false };
    let compiler = Compiler::new();
    let program = compiler.check(&source, &[], &[]).expect("the example is right");
    let bindings: Bindings = sizes.iter().map(|&(name, size)| (name.into(), size)).collect();
    let func = compiler.lower(&program.graph, &bindings, &mut Quiet).expect("it can be lowered");
    (func, bindings)
}

/// Bytes of working memory that an example needs.
fn arena(example: &str, sizes: &[(&str, i64)]) -> i64 {
    let (func, _) = loops(example, sizes);
    func.arena.expect("there is a plan").as_const().expect("all sizes are known")
}

/// Operations of an example.
fn flops(example: &str, sizes: &[(&str, i64)]) -> f64 {
    let (func, bindings) = loops(example, sizes);
    let count = Count::of(&func, &bindings).expect("all sizes are known");
    assert!(count.exact, "{example}");
    count.flops
}

#[test]
fn attention_stores_one_slice_of_the_scores() {
    let bytes = arena("kron_attention3.ein", &[("n", 512), ("d", 64), ("e", 64)]);
    assert!(bytes < 8 << 20, "{bytes} bytes");
}

#[test]
fn a_scan_does_not_store_its_state_over_time() {
    let sizes = |steps| [("T", steps), ("d", 48), ("n", 32)];
    let (short, long) =
        (arena("selective_scan.ein", &sizes(10)), arena("selective_scan.ein", &sizes(1_000_000)));
    assert_eq!(short, long);
    assert!(long < 64 << 10, "{long} bytes");
}

/// Steps that are combined in vectors are those of a block.
#[test]
fn a_recurrence_of_one_state_takes_a_few_kib() {
    let arena = |steps: i64| {
        let last = steps - 1;
        let text = format!(
            "in a, b : f64[{steps}]\nout last : f64\nh[t] = exp(a[t])*h[t-1 | 0] + b[t]\nlast = h[{last}]"
        );
        let source = Source { name: "recurrence.ein".into(), text, expression: false };
        let compiler = Compiler::new();
        let program = compiler.check(&source, &[], &[]).expect("the program is right");
        let func = compiler.lower(&program.graph, &Bindings::new(), &mut Quiet).expect("it can be lowered");
        assert!(func.to_string().contains("t.factor.2"), "no scan:\n{func}");
        func.arena.and_then(|arena| arena.as_const()).expect("a plan")
    };
    let (short, long) = (arena(1 << 12), arena(1 << 22));
    assert_eq!(short, long);
    assert!(long < 16 << 10, "{long} bytes");
}

#[test]
fn operations_grow_as_the_formulas_say() {
    // A product of 2mkn operations, and for each result a bias and an activation.
    let product = |n| flops("matmul_bias.ein", &[("m", n), ("k", n), ("n", n)]);
    let n = 64f64;
    assert!((2.0 * n * n * n..2.2 * n * n * n).contains(&product(64)), "{}", product(64));
    let attention = |n| flops("kron_attention3.ein", &[("n", n), ("d", 16), ("e", 16)]);
    let exponent = (attention(128) / attention(64)).log2();
    assert!((2.9..3.01).contains(&exponent), "n^{exponent}");
    let scan = |steps| flops("selective_scan.ein", &[("T", steps), ("d", 8), ("n", 8)]);
    let exponent = (scan(2000) / scan(1000)).log2();
    assert!((0.9..1.01).contains(&exponent), "T^{exponent}");
}
