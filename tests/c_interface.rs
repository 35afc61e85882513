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
    let output = run(
        "cc",
        &[&flags[..], &["matmul_main.c", "matmul.o", "libtcc_runtime.a", "-lm"]].concat(),
        folder.path(),
    );
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
    let output = run(
        "cc",
        &["-std=c99", "-Wall", "-Werror", "main.c", "matmul.o", "libtcc_runtime.a", "-lm"],
        folder.path(),
    );
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

/// Builds the emitted example as C and as C++ with every warning, and runs it.
fn build_and_run_example(folder: &Path, stem: &str) {
    let (main, object) = (format!("{stem}_main.c"), format!("{stem}.o"));
    let flags = ["-Wall", "-Wextra", "-Wshadow", "-Wtrigraphs", "-Werror", "-O1"];
    for (compiler, language) in [("cc", &["-std=c99", "-x", "c"][..]), ("c++", &["-x", "c++"][..])] {
        // Objects that call kernels come with the library of them.
        let kernels = folder.join("libtcc_runtime.a").exists().then_some("libtcc_runtime.a");
        let mut files = vec![main.as_str(), "-x", "none", object.as_str()];
        files.extend(kernels.into_iter().chain(["-lm"]));
        let output = run(compiler, &[&flags[..], language, &files[..]].concat(), folder);
        assert!(output.status.success(), "{}", text(&output));
        let output = run("./a.out", &[], folder);
        assert!(output.status.success(), "{}", text(&output));
    }
}

#[test]
fn every_name_and_comment_is_good_c() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let names =
        ["malloc", "calloc", "free", "printf", "stderr", "INT64_MAX", "abs", "I", "status", "scratch"];
    let mut program = String::from("# what now??/ or /* and */ even ???/\n");
    for name in names.iter().chain(&["at", "main", "int", "size_t", "tcc_sizes", "α", "u3b1", "NAN"]) {
        program.push_str(&format!("in {name} : f32[n]\nout {name}_2 : f32[n]\n{name}_2[i] = 2*{name}[i]\n"));
    }
    compile(folder.path(), "names.ein", &program, "obj,header,example");
    build_and_run_example(folder.path(), "names");
}

#[test]
fn files_are_called_as_the_program_is() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    for stem in ["a-b", "1", "int", "été", "strerror", "two words"] {
        compile(folder.path(), &format!("{stem}.ein"), MATMUL, "obj,header,example");
        build_and_run_example(folder.path(), stem);
    }
}

#[test]
fn statuses_say_what_is_required_and_what_was_promised() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let program = "in x : f32[n] in [-10, 10]\nin h : f16[n] in [0, 2]\nin z : f32[2*m]\nout y : f32[n]\n\
                   y[i] = x[i] + h[i] + z[i]\n";
    compile(folder.path(), "promise.ein", program, "obj,header");
    let main = r#"
        #include "promise.h"
        #include <stdio.h>
        static void call(float first, uint16_t second, int64_t n) {
            float x[2] = {0}, z[2] = {0}, y[2] = {0};
            uint16_t h[2] = {0};
            x[1] = first;
            h[1] = second;
            printf("%s\n", tcc_promise_strerror(tcc_promise(n, 1, x, h, z, y, 0)));
        }
        int main(void) {
            call(-10, 0x4000, 2);
            call(11, 0, 2);
            call(NAN, 0, 2);
            call(0, 0x4001, 2);
            call(0, 0x7e00, 2);
            call(0, 0, 3);
            return 0;
        }
    "#;
    std::fs::write(folder.path().join("main.c"), main).expect("the program can be written");
    let flags = ["-std=c99", "-Wall", "-Wextra", "-Werror"];
    let output = run("cc", &[&flags[..], &["main.c", "promise.o", "-lm"]].concat(), folder.path());
    assert!(output.status.success(), "{}", text(&output));
    let expected = "no error\n\
        E0507: an element of x lies outside [-10.0, 10.0]\n\
        E0507: an element of x lies outside [-10.0, 10.0]\n\
        E0507: an element of h lies outside [0.0, 2.0]\n\
        E0507: an element of h lies outside [0.0, 2.0]\n";
    let got = text(&run("./a.out", &[], folder.path()));
    let requirement = got.strip_prefix(expected).unwrap_or_else(|| panic!("{got}"));
    assert!(requirement.starts_with("E0214: a read can leave the tensor: required is "), "{requirement}");
}

#[test]
fn a_machine_without_a_c_compiler_says_so() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    std::fs::write(folder.path().join("matmul.ein"), MATMUL).expect("the program can be written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_tcc"));
    command.args(["compile", "matmul.ein", "--emit", "so"]).current_dir(folder.path()).env("PATH", "");
    let output = command.output().expect("tcc starts");
    assert_eq!(output.status.code(), Some(5), "{}", text(&output));
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

#[test]
fn artefacts_carry_the_recipe_that_makes_them_again() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let program = "in x : f32[n]\nout y : f32[n]\ny[i] = exp(x[i]) * sum[j] x[j]\n";
    std::fs::write(folder.path().join("k.ein"), program).expect("the file can be written");
    let made = |arguments: &[&str]| {
        let output = run(env!("CARGO_BIN_EXE_tcc"), arguments, folder.path());
        assert!(output.status.success(), "{}", text(&output));
    };
    made(&["compile", "k.ein", "-O3", "--fp", "strict", "n=12", "--emit", "obj,header,recipe", "-o", "a"]);
    let read = |name: &str| std::fs::read(folder.path().join(name)).expect("it was written");
    let recipe = read("a/k.recipe");
    let holds = |file: Vec<u8>, text: &[u8]| file.windows(text.len()).any(|bytes| bytes == text);
    assert!(holds(recipe.clone(), b"contract = strict") && holds(recipe.clone(), b"sizes = n=12"));
    assert!(holds(read("a/k.o"), &recipe), "the object file does not carry its recipe");
    assert!(holds(read("a/k.h"), b"contract = strict"), "the header does not show the recipe");
    made(&["compile", "k.ein", "--recipe", "a/k.recipe", "-o", "b"]);
    assert!(read("a/k.o") == read("b/k.o"), "the recipe makes another object file");
    made(&["compile", "k.ein", "n=12", "-o", "c"]);
    assert!(read("a/k.o") != read("c/k.o"), "the recipe makes no difference");

    let other = String::from_utf8(recipe).expect("text").replace("version = ", "version = 9");
    std::fs::write(folder.path().join("other.recipe"), other).expect("the file can be written");
    let output =
        run(env!("CARGO_BIN_EXE_tcc"), &["check", "k.ein", "--recipe", "other.recipe"], folder.path());
    assert!(
        output.status.success() && text(&output).contains("may not make the same code"),
        "{}",
        text(&output)
    );
    let output = run(env!("CARGO_BIN_EXE_tcc"), &["check", "k.ein", "--recipe", "k.ein"], folder.path());
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("`k.ein` is no recipe"), "{}", text(&output));
}

/// A program that only moves elements calls the library too.
#[test]
fn a_copy_into_another_order_builds_and_runs() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    compile(
        folder.path(),
        "turn.ein",
        "in A : f32[64, 48]\nout B : f32[48, 64]\nB[j,i] = A[i,j]\n",
        "obj,header,example",
    );
    assert!(folder.path().join("libtcc_runtime.a").exists(), "the object calls a kernel");
    build_and_run_example(folder.path(), "turn");
}

/// The kernel library is linked with the C compiler alone, and exports nothing but what objects call.
#[test]
fn the_archive_of_kernels_links_and_computes() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let archive = tcc_backends::runtime::ARCHIVE;
    std::fs::write(folder.path().join(tcc_backends::runtime::ARCHIVE_NAME), archive).expect("written");
    let main = format!(
        r#"
        #include <stdint.h>
        #include <stdio.h>
        #include <stdlib.h>
        typedef struct {{ int64_t extent, a, b, c; }} axis;
        typedef struct {{ uint32_t dtype, accumulate, lanes, axis_count; axis axes[16]; }} contraction;
        void tcc_contract(const contraction *, const void *, const void *, void *, void *);
        int main(void) {{
            enum {{ M = 65, N = 33, K = 300 }};
            static float a[M * K], b[K * N], c[M * N];
            for (int i = 0; i < M * K; i++) a[i] = (float)(i % 7 - 3);
            for (int i = 0; i < K * N; i++) b[i] = (float)(i % 5 - 2);
            contraction product = {{ {dtype}, 0, 1, 3, {{{{M, K, 0, N}}, {{N, 0, 1, 1}}, {{K, 1, N, 0}}}} }};
            void *workspace = aligned_alloc(64, {workspace});
            tcc_contract(&product, a, b, c, workspace);
            int wrong = 0;
            for (int i = 0; i < M; i++) for (int j = 0; j < N; j++) {{
                float sum = 0;
                for (int k = 0; k < K; k++) sum += a[i * K + k] * b[k * N + j];
                wrong += sum != c[i * N + j];
            }}
            free(workspace);
            printf("%d wrong\n", wrong);
            return 0;
        }}
        "#,
        dtype = tcc_runtime::ElementType::F32.0,
        workspace = tcc_runtime::WORKSPACE_BYTES.next_multiple_of(64),
    );
    std::fs::write(folder.path().join("main.c"), main).expect("the program can be written");
    let flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-O1"];
    let output = run("cc", &[&flags[..], &["main.c", "libtcc_runtime.a"]].concat(), folder.path());
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(text(&run("./a.out", &[], folder.path())), "0 wrong\n");
    if Command::new("nm").arg("--version").output().is_ok() {
        let output = run("nm", &["-g", "--defined-only", "libtcc_runtime.a"], folder.path());
        let names: Vec<String> =
            text(&output).lines().filter_map(|line| line.split(" T ").nth(1).map(Into::into)).collect();
        assert!(names.iter().any(|name| name == "tcc_contract"), "{names:?}");
        assert!(names.iter().all(|name| name.starts_with("tcc_")), "nothing else is visible: {names:?}");
    }
}
