#![no_main]
//! JPEG of any kind, with libjpeg-turbo behind it.

use libfuzzer_sys::{fuzz_target, Corpus};

fuzz_target!(|data: &[u8]| -> Corpus { biobench_fuzz::format(0, &[b"\xff\xd8\xff"], data) });
