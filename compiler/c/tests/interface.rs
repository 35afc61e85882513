//! Programs in C and C++ that use libtcc, built with the compiler of this machine and run.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The folder of the library. Cargo does not build it for tests, which cannot depend on a C library: so
/// this does, with the features of the tests, where everything else has been built already.
fn library() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let test = std::env::current_exe().expect("this program has a path");
        let folder = test.ancestors().nth(2).expect("tests lie in TARGET/PROFILE/deps");
        let target = folder.parent().expect("tests lie in TARGET/PROFILE/deps");
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .args(["build", "--workspace", "--all-features", "--lib", "--locked", "--target-dir"])
            .arg(target);
        if folder.ends_with("release") {
            cargo.arg("--release");
        }
        let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("cargo runs");
        assert!(output.status.success(), "{}", text(&output));
        folder.to_owned()
    })
}

/// Builds `source` with `compiler`, links it with the shared or the static library, and runs it.
fn build_and_run(compiler: &str, flags: &[&str], source: &Path, linked: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let library = library();
    let program = folder.path().join("program");
    let mut command = Command::new(compiler);
    command.args(["-Wall", "-Wextra", "-Werror", "-O1"]).args(flags);
    command.arg("-I").arg(here.join("include")).arg(source).arg("-o").arg(&program);
    command.args(["-x", "none"]).arg("-L").arg(library).args(linked);
    let output = command.output().expect("these tests need a C compiler");
    assert!(output.status.success(), "{}", text(&output));
    let output = Command::new(&program).env("LD_LIBRARY_PATH", library).output().expect("it runs");
    assert!(output.status.success(), "{:?}: {}", output.status, text(&output));
    text(&output)
}

const SHARED: &[&str] = &["-ltcc", "-lm"];
const STATIC: &[&str] = &["-l:libtcc.a", "-lpthread", "-ldl", "-lm"];
const C: &[&str] = &["-std=c99", "-pedantic", "-x", "c"];
const CPLUSPLUS: &[&str] = &["-x", "c++"];

#[test]
fn the_example_builds_and_runs() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/embed.c");
    let expected = "C is 2 x 2: 4 5 10 11\ntransposed: 4 10 5 11\n";
    for (compiler, flags, linked) in [("cc", C, SHARED), ("cc", C, STATIC), ("c++", CPLUSPLUS, SHARED)] {
        assert_eq!(build_and_run(compiler, flags, &example, linked), expected, "{compiler} {linked:?}");
    }
}

#[test]
fn every_mistake_is_an_error() {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interface.c");
    assert_eq!(build_and_run("cc", C, &program, SHARED), "all checks passed\n");
}
