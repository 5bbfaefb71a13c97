#![no_main]
//! GIF: the first frame.

use libfuzzer_sys::{fuzz_target, Corpus};

fuzz_target!(|data: &[u8]| -> Corpus { biobench_fuzz::format(0, &[b"GIF87a", b"GIF89a"], data) });
