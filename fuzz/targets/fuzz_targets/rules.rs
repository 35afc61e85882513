//! All forms that saturation finds of a program are one value.
#![no_main]
use libfuzzer_sys::fuzz_target;
fuzz_target!(|data: &[u8]| tcc_fuzz::targets::rules(data));
