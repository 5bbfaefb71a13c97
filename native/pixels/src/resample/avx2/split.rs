//! A weight of more than 16 bits as two of 16, and the sum that is put together of theirs.

use std::arch::x86_64::*;
use std::ops::Range;

use crate::resample::rows::SLACK;
use crate::resample::scalar::HALF;
use crate::resample::weights::PRECISION_BITS;

/// Weights whose high part fits 16 bits.
pub(in crate::resample) const SPLIT: Range<i32> = -(1 << 30)..1 << 30;

const LOW_BITS: i32 = 15;
const SHIFT: i32 = PRECISION_BITS as i32;

/// Bytes of a register.
pub(super) const REGISTER: usize = 32;

const _: () = assert!(SLACK >= REGISTER);

/// True where this machine can run the functions of these modules.
pub(in crate::resample) fn is_available() -> bool {
    is_x86_feature_detected!("avx2")
}

/// The low parts of two weights in one number, and the high parts in another.
pub(in crate::resample) type Pair = [i32; 2];

pub(super) fn pair(first: i32, second: i32) -> Pair {
    let low = (1 << LOW_BITS) - 1;
    let join = |first: i32, second: i32| (first & 0xffff) | (second << 16);
    [
        join(first & low, second & low),
        join(first >> LOW_BITS, second >> LOW_BITS),
    ]
}

pub(super) fn of_two(weights: &[i32]) -> Pair {
    pair(weights[0], weights.get(1).copied().unwrap_or(0))
}

/// The sums of both parts as one, rounded to a number that fits 16 bits.
///
/// # Safety
///
/// The machine has AVX2.
#[inline]
#[target_feature(enable = "avx2")]
#[allow(unused_unsafe, reason = "these calls are safe from Rust 1.87 on")]
pub(super) unsafe fn rounded(low: __m256i, high: __m256i) -> __m256i {
    // SAFETY: AVX2 is the caller's promise.
    unsafe {
        let sum = _mm256_add_epi32(_mm256_slli_epi32::<LOW_BITS>(high), low);
        _mm256_srai_epi32::<SHIFT>(_mm256_add_epi32(sum, _mm256_set1_epi32(HALF)))
    }
}
