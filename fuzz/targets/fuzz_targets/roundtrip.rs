//! What parses as an IR or as a case prints as text that reads back as it was.
#![no_main]
use libfuzzer_sys::fuzz_target;
fuzz_target!(|data: &[u8]| tcc_fuzz::targets::roundtrip(data));
