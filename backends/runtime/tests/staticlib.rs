//! The static library stands alone: a C program links it without Rust's runtime.

use std::path::Path;
use std::process::Command;

/// A matrix product by the C interface, with its own copy of the declarations.
const PROGRAM: &str = r#"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
typedef struct { int64_t extent, a, b, c; } axis;
typedef struct { uint32_t dtype, accumulate, lanes, axis_count; axis axes[16]; } contraction;
typedef struct { int64_t extent, from, to; } move_axis;
void tcc_contract(const contraction *, const void *, const void *, void *, void *);
void tcc_permute(const move_axis *, uint32_t, uint32_t, const void *, void *);
uint64_t tcc_workspace_bytes(void);
int main(void) {
  enum { M = 50, N = 70, K = 300 };
  static float a[M * K], b[K * N], c[M * N], t[N * M];
  for (int i = 0; i < M * K; i++) a[i] = i % 7 - 3;
  for (int i = 0; i < K * N; i++) b[i] = i % 5 - 2;
  contraction task = {0, 0, 1, 3, {{M, K, 0, N}, {N, 0, 1, 1}, {K, 1, N, 0}}};
  void *workspace = malloc(tcc_workspace_bytes());
  tcc_contract(&task, a, b, c, workspace);
  move_axis turn[2] = {{M, N, 1}, {N, 1, M}};
  tcc_permute(turn, 2, 4, c, t);
  for (int i = 0; i < M; i++)
    for (int j = 0; j < N; j++) {
      float sum = 0;
      for (int k = 0; k < K; k++) sum += a[i * K + k] * b[k * N + j];
      if (c[i * N + j] != sum || t[j * M + i] != sum) { printf("%d %d\n", i, j); return 1; }
    }
  free(workspace);
  puts("equal");
  return 0;
}
"#;

/// Runs a command that must succeed.
fn run(command: &mut Command) -> String {
    let output = command.output().expect("the program exists");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{command:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
#[cfg(target_os = "linux")]
fn links_into_a_c_program() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("staticlib");
    std::fs::create_dir_all(&folder).expect("a folder for the test");
    run(Command::new(env!("CARGO"))
        .args(["rustc", "--release", "--offline", "--no-default-features", "--features", "staticlib"])
        .args(["--crate-type", "staticlib", "--target-dir"])
        .arg(folder.join("target"))
        .args(["--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")])
        .args(["--", "-C", "panic=abort"]));
    let source = folder.join("main.c");
    std::fs::write(&source, PROGRAM).expect("the folder is writable");
    let program = folder.join("main");
    run(Command::new("cc")
        .arg("-O1")
        .arg(&source)
        .arg(folder.join("target/release/libtcc_runtime.a"))
        .arg("-o")
        .arg(&program));
    assert_eq!(run(&mut Command::new(&program)), "equal\n");
}
