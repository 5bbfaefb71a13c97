#![no_main]
//! PNG of any kind, changed inside its compressed stream too.

use biobench_fuzz::png;
use libfuzzer_sys::{fuzz_mutator, fuzz_target, Corpus};

fuzz_target!(|data: &[u8]| -> Corpus { biobench_fuzz::format(0, &[png::MAGIC], data) });

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    png::mutate(&mut data[..max_size], size, seed)
});
