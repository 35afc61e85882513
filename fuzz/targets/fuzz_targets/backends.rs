//! All backends compute the same bytes.
#![no_main]
use libfuzzer_sys::fuzz_target;
fuzz_target!(|data: &[u8]| tcc_fuzz::targets::backends(data));
