#![no_main]
//! Any image through any resize and crop: rows, parts and kernels against the plain definition.

use biobench_fuzz::{check_memory, inputs};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    inputs::any_resize(data);
    check_memory();
});
