//! Pools of threads.

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::PixelError;

/// A pool of `count` threads named after their work.
pub(crate) fn threads(count: usize, work: &'static str) -> Result<ThreadPool, PixelError> {
    ThreadPoolBuilder::new()
        .num_threads(count)
        .thread_name(move |index| format!("biobench-{work}-{index}"))
        .build()
        .map_err(|error| PixelError::Io(std::io::Error::other(error)))
}
