//! Working memory, asserted from the plan: what a program stores does not depend on the machine.

use std::path::Path;
use tcc::{Compiler, Source};
use tcc_ir::Bindings;
use tcc_passes::Quiet;

/// Bytes of working memory that an example needs at the default level.
fn arena(example: &str, sizes: &[(&str, i64)]) -> i64 {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(example);
    let text = std::fs::read_to_string(path).expect("an example");
    let source = Source { name: example.into(), text, expression: false };
    let compiler = Compiler::new();
    let program = compiler.check(&source, &[], &[]).expect("the example is right");
    let bindings: Bindings = sizes.iter().map(|&(name, size)| (name.into(), size)).collect();
    let func = compiler.lower(&program.graph, &bindings, &mut Quiet).expect("it can be lowered");
    func.arena.expect("there is a plan").as_const().expect("all sizes are known")
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
