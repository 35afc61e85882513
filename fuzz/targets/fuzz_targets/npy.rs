//! Any bytes are an array, an archive or tensors, or are refused.
#![no_main]
use libfuzzer_sys::fuzz_target;
fuzz_target!(|data: &[u8]| tcc::targets::npy(data));
