#![no_main]
//! WebP: lossy, lossless, and the first frame of animations, with libwebp behind it.

use libfuzzer_sys::{fuzz_target, Corpus};

fuzz_target!(|data: &[u8]| -> Corpus { biobench_fuzz::format(8, &[b"WEBP"], data) });
