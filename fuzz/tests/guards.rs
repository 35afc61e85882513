//! Memory between guarded pages shows every access outside of the arguments.

use std::process::Command;
use tcc_backends::{Kernel, backend};
use tcc_fuzz::guarded::Side;
use tcc_fuzz::oracle::guards::run;
use tcc_ir::loops::Func;
use tcc_ir::{Array, Dtype};

/// Copies five elements, each `shift` places further.
fn copy(shift: usize) -> Kernel {
    let text = format!(
        "func @f() {{\n  input x: f32[5]\n  output y: f32[5]\n  for i in 0..5 {{\n    y[i + {shift}] = x[i]\n  }}\n}}\n"
    );
    let func: Func = text.parse().expect("a function");
    let load = backend("cranelift").expect("a backend").load;
    load(&func).expect("code")
}

fn operand() -> Array {
    let mut x = Array::zeros(Dtype::F32, &[5]).expect("memory");
    for (place, chunk) in x.bytes_mut().chunks_exact_mut(4).enumerate() {
        chunk.copy_from_slice(&(place as f32 + 1.0).to_ne_bytes());
    }
    x
}

#[test]
fn code_that_stays_inside_is_fine() {
    let (kernel, x) = (copy(0), operand());
    for side in [Side::End, Side::Start, Side::End] {
        let outcome = run(&kernel, std::slice::from_ref(&x), &[], side).expect("no write outside");
        let y = outcome.expect("memory").expect("a result");
        assert_eq!(y[0].bytes(), x.bytes());
    }
}

#[test]
fn a_write_that_no_page_stops_is_named() {
    let outcome = run(&copy(1), &[operand()], &[], Side::Start);
    assert_eq!(outcome.expect_err("a write"), "a write outside of `y`: byte 20 of 20");
}

/// Dies of the signal.
#[test]
#[ignore = "ends the process: the next test runs it in one of its own"]
fn writes_past_the_end() {
    let _ = run(&copy(1), &[operand()], &[], Side::End);
}

#[test]
#[cfg(unix)]
fn a_write_at_a_guarded_page_ends_the_process() {
    use std::os::unix::process::ExitStatusExt;
    let program = std::env::current_exe().expect("a program");
    let status = Command::new(program)
        .args(["--ignored", "--exact", "writes_past_the_end"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .expect("it runs");
    // Segmentation fault; some systems call it a bus error.
    assert!(matches!(status.signal(), Some(11 | 10 | 7)), "{status}");
}
