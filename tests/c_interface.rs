//! What `tcc compile` writes builds with the C compiler of this machine and runs.

use std::path::Path;
use std::process::{Command, Output};

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn run(program: &str, arguments: &[&str], folder: &Path) -> Output {
    let output = Command::new(program).args(arguments).current_dir(folder).output();
    output.unwrap_or_else(|error| panic!("`{program}` cannot be run: {error}; these tests need a C compiler"))
}

fn compile(folder: &Path, name: &str, program: &str, emit: &str) {
    std::fs::write(folder.join(name), program).expect("the program can be written");
    let output = run(env!("CARGO_BIN_EXE_tcc"), &["compile", name, "--emit", emit], folder);
    assert!(output.status.success(), "{}", text(&output));
}

const MATMUL: &str =
    "in A : f32[i, j]\nin B : f32[j, k]\nout C : f32[i, k]\nC[i0,k0] += A[i0,j0] * B[j0,k0]\n";

#[test]
fn the_emitted_example_builds_and_runs() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    compile(folder.path(), "matmul.ein", MATMUL, "obj,header,example");
    let flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-O1"];
    let output = run("cc", &[&flags[..], &["matmul_main.c", "matmul.o", "-lm"]].concat(), folder.path());
    assert!(output.status.success(), "{}", text(&output));
    let output = run("./a.out", &[], folder.path());
    assert!(output.status.success() && text(&output).starts_with("C: sum of"), "{}", text(&output));
}

#[test]
fn sizes_are_arguments_and_mistakes_are_statuses() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    compile(folder.path(), "matmul.ein", MATMUL, "obj,header");
    let main = r#"
        #include "matmul.h"
        #include <stdio.h>
        #include <stdlib.h>
        int main(void) {
            float a[6] = {1, 2, 3, 4, 5, 6}, b[6] = {1, 0, 0, 1, 1, 1}, c[4] = {0};
            void *scratch = malloc(tcc_matmul_scratch(2, 3, 2) + 1);
            int status = tcc_matmul(2, 3, 2, a, b, c, scratch);
            printf("%d %g %g %g %g\n", status, c[0], c[1], c[2], c[3]);
            printf("%s\n", tcc_matmul_strerror(tcc_matmul(-1, 3, 2, a, b, c, scratch)));
            free(scratch);
            return 0;
        }
    "#;
    std::fs::write(folder.path().join("main.c"), main).expect("the program can be written");
    let output = run("cc", &["-std=c99", "-Wall", "-Werror", "main.c", "matmul.o", "-lm"], folder.path());
    assert!(output.status.success(), "{}", text(&output));
    let output = run("./a.out", &[], folder.path());
    assert_eq!(text(&output), "0 4 5 10 11\na size is negative\n");
}

#[test]
fn headers_are_cplusplus_clean() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let program = "param new : int\nin class : f64[n]\nout y : f64[n]\ny[i] = class[i]*new\n";
    compile(folder.path(), "names.ein", program, "obj,header");
    std::fs::write(folder.path().join("main.cc"), "#include \"names.h\"\nint main() { return 0; }\n")
        .expect("written");
    let output = run("c++", &["-Wall", "-Wextra", "-Werror", "-fsyntax-only", "main.cc"], folder.path());
    assert!(output.status.success(), "{}", text(&output));
}

#[test]
fn shared_libraries_are_linked() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    compile(folder.path(), "matmul.ein", MATMUL, "so,clif,graph,loops");
    for file in ["matmul.so", "matmul.clif", "matmul.graph", "matmul.loops"] {
        let length = std::fs::metadata(folder.path().join(file)).map(|data| data.len()).unwrap_or_default();
        assert!(length > 0, "{file} is missing");
    }
}
