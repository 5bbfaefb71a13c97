#![no_main]
//! BMP of every depth, with masks or run lengths.

use libfuzzer_sys::{fuzz_target, Corpus};

fuzz_target!(|data: &[u8]| -> Corpus { biobench_fuzz::format(0, &[b"BM"], data) });
