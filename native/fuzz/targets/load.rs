#![no_main]
//! Any bytes through any recipe: the format is told from the first bytes.

use biobench_fuzz::{check_memory, inputs};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    inputs::any_file(data);
    check_memory();
});
