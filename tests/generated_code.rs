//! Generated code in memory: never writable and executable at once, and gone with its kernel.
#![cfg(target_os = "linux")]

use ndarray::{Array1, array};
use std::fs;
use tcc::{Cache, Compiler};

/// A kernel whose code no other kernel shares: the constant is part of it.
fn kernel(number: u32) -> tcc::Kernel {
    let text = format!("in x : f64[n]\nout y : f64[n]\ny[i] = exp(x[i]) * {number}.5");
    Compiler::new().cache(Cache::Off).compile(&text).expect("the program is right")
}

fn run(kernel: &tcc::Kernel) -> Array1<f64> {
    kernel.call((&array![0.0, 1.0, 2.0],)).expect("it runs")
}

#[test]
fn no_memory_is_writable_and_executable() {
    let kernels: Vec<_> = (0..8).map(kernel).collect();
    kernels.iter().for_each(|kernel| assert!(run(kernel)[0].is_finite()));
    let maps = fs::read_to_string("/proc/self/maps").expect("Linux lists mappings");
    let permissions = |line: &str| line.split_whitespace().nth(1).unwrap_or_default().to_owned();
    let executable = maps.lines().filter(|line| permissions(line).contains('x'));
    let anonymous = executable.clone().filter(|line| line.split_whitespace().count() == 5);
    assert!(anonymous.count() > 0, "generated code is somewhere:\n{maps}");
    for line in executable {
        assert!(!permissions(line).contains('w'), "writable and executable: {line}");
    }
}

/// Bytes of this process that are in memory.
fn resident() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm").expect("Linux counts pages");
    let pages: u64 = pages.split_whitespace().nth(1).and_then(|pages| pages.parse().ok()).expect("a number");
    pages * 4096
}

#[test]
fn code_goes_with_its_kernel() {
    let compile = |numbers: std::ops::Range<u32>| {
        for number in numbers {
            assert!(run(&kernel(number))[1].is_finite());
        }
    };
    compile(0..200);
    let before = resident();
    compile(200..1200);
    let grown = resident().saturating_sub(before);
    // 1000 kernels that stayed would take 4 KiB of code each at the least, and more besides.
    assert!(grown < 3 << 20, "{grown} bytes more after 1000 kernels");
}
