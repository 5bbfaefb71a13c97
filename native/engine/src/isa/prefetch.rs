//! Prefetching: a request to load memory into the caches before it is read.

#[cfg(target_arch = "x86_64")]
use super::LANES;

/// Requests the cache lines of numbers that are read soon at addresses that the processor cannot predict. It changes no
/// result, and does nothing on processors other than x86-64.
#[inline(always)]
#[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables))]
pub(crate) fn prefetch(numbers: &[f32]) {
    #[cfg(target_arch = "x86_64")]
    for line in numbers.chunks(LANES) {
        use core::arch::x86_64::{_mm_prefetch, _MM_HINT_T0};
        // SAFETY: every x86-64 has the instruction, which reads nothing that a program can see and never faults.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
    }
}
