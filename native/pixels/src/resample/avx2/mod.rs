//! The two passes with AVX2.
//!
//! A weight has more than 16 bits and the multiply-add of two 16-bit pairs is the fastest there
//! is, so each weight is split: weight = high * 2^15 + low with 0 <= low < 2^15, and high fits 16
//! bits for every weight in [`SPLIT`]. Values are bytes. One multiply-add gives a * v + b * w of
//! 16-bit a, b and bytes v, w, at most 2 * 32768 * 255 in size: exact in 32 bits. Every further
//! step (adding up, the shift of the high sum by 15, adding the low sum and one half) is modulo
//! 2^32, as is the definition, where additions may come in any order. So the 32-bit sum is that of
//! the definition, for any number of weights; clamping after the shift is the same, for the sum
//! shifted by 22 lies within 16 bits.

mod horizontal;
mod vertical;

use std::arch::x86_64::*;
use std::ops::Range;

use super::rows::SLACK;
use super::scalar::HALF;
use super::weights::PRECISION_BITS;

pub(super) use horizontal::{horizontal, Pairs, TOGETHER};
pub(super) use vertical::vertical;

/// Weights whose high part fits 16 bits.
pub(super) const SPLIT: Range<i32> = -(1 << 30)..1 << 30;

const LOW_BITS: i32 = 15;
const SHIFT: i32 = PRECISION_BITS as i32;

/// Bytes of a register.
const REGISTER: usize = 32;

const _: () = assert!(SLACK >= REGISTER);

/// Whether this machine can run the functions of this module.
pub(super) fn is_available() -> bool {
    is_x86_feature_detected!("avx2")
}

/// The low parts of two weights in one number, and the high parts in another.
pub(super) type Pair = [i32; 2];

fn pair(first: i32, second: i32) -> Pair {
    let low = (1 << LOW_BITS) - 1;
    let join = |first: i32, second: i32| (first & 0xffff) | (second << 16);
    [
        join(first & low, second & low),
        join(first >> LOW_BITS, second >> LOW_BITS),
    ]
}

fn of_two(weights: &[i32]) -> Pair {
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
unsafe fn rounded(low: __m256i, high: __m256i) -> __m256i {
    // SAFETY: AVX2 is the caller's promise.
    unsafe {
        let sum = _mm256_add_epi32(_mm256_slli_epi32::<LOW_BITS>(high), low);
        _mm256_srai_epi32::<SHIFT>(_mm256_add_epi32(sum, _mm256_set1_epi32(HALF)))
    }
}
