//! Programs and pipelines mutated together, as text.
#![no_main]
use libfuzzer_sys::{Corpus, fuzz_mutator, fuzz_target};
fuzz_target!(|data: &[u8]| -> Corpus {
    if tcc_fuzz::targets::joint(data) { Corpus::Keep } else { Corpus::Reject }
});
fuzz_mutator!(|data: &mut [u8], size: usize, limit: usize, seed: u32| {
    tcc_fuzz::targets::mutate(data, size, limit, seed)
});
