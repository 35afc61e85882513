//! Any text is a program or has diagnostics.
#![no_main]
use libfuzzer_sys::fuzz_target;
fuzz_target!(|data: &[u8]| tcc_fuzz::targets::frontend(data));
