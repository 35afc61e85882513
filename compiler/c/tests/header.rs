//! `include/tcc.h` is what the Rust declarations say. `TCC_BLESS=1 cargo test --test header` writes it.

use std::path::Path;

const PREAMBLE: &str = "\
/* libtcc: compile tensor programs and call them from C. Documentation: docs/c-api.md.
 *
 * This file is generated from compiler/c/src/lib.rs; its test writes it.
 * (The Tiny C Compiler has a library of the same name, whose header is libtcc.h.) */";

fn generate() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut config = cbindgen::Config {
        language: cbindgen::Language::C,
        cpp_compat: true,
        header: Some(PREAMBLE.into()),
        include_guard: Some("TCC_H".into()),
        no_includes: true,
        sys_includes: vec!["stddef.h".into(), "stdint.h".into()],
        usize_is_size_t: true,
        line_length: 100,
        documentation_style: cbindgen::DocumentationStyle::C99,
        style: cbindgen::Style::Both,
        ..cbindgen::Config::default()
    };
    config.function.args = cbindgen::Layout::Auto;
    let bindings =
        cbindgen::Builder::new().with_config(config).with_src(folder.join("src/lib.rs")).generate();
    let mut text = Vec::new();
    bindings.expect("the declarations are C").write(&mut text);
    String::from_utf8(text).expect("headers are text")
}

#[test]
fn the_header_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("include/tcc.h");
    let generated = generate();
    if std::env::var_os("TCC_BLESS").is_some() {
        std::fs::write(&path, &generated).expect("the header can be written");
    }
    let committed = std::fs::read_to_string(&path).expect("the header is there");
    assert!(committed == generated, "include/tcc.h is not what src/lib.rs says: run with TCC_BLESS=1");
}
