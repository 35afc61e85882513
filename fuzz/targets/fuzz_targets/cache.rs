//! Any bytes are an entry of the cache that says the same when it is written again, or are refused.
#![no_main]
use libfuzzer_sys::fuzz_target;
fuzz_target!(|data: &[u8]| tcc::targets::cache(data));
