//! Cases from the bytes that libFuzzer mutates: run with `-len_control=0`.
#![no_main]
use libfuzzer_sys::fuzz_target;
fuzz_target!(|data: &[u8]| tcc_fuzz::targets::bytes(data));
