//! Working memory, asserted from the plan, and operations, counted on the loops: neither depends on the
//! machine.

use std::path::Path;
use tcc::{Compiler, Source};
use tcc_ir::Bindings;
use tcc_ir::loops::Func;
use tcc_passes::Quiet;
use tcc_passes::loops::count::Count;

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
