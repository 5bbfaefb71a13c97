#![no_main]
//! TIFF of every layout, and JPEG and compressed streams inside.

use libfuzzer_sys::{fuzz_target, Corpus};

fuzz_target!(|data: &[u8]| -> Corpus { biobench_fuzz::format(0, &[b"II", b"MM"], data) });
