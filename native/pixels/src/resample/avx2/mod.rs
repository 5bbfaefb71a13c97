//! The two passes with AVX2.
//!
//! A weight has more than 16 bits and the multiply-add of two 16-bit pairs is the fastest there
//! is, so each weight is split: weight = high * 2^15 + low with 0 <= low < 2^15, and high fits 16
//! bits for every weight in [`split::SPLIT`]. Values are bytes. One multiply-add gives a * v + b * w of
//! 16-bit a, b and bytes v, w, at most 2 * 32768 * 255 in size: exact in 32 bits. Every further
//! step (adding up, the shift of the high sum by 15, adding the low sum and one half) is modulo
//! 2^32, as is the definition, where additions may come in any order. So the 32-bit sum is that of
//! the definition, for any number of weights; clamping after the shift is the same, for the sum
//! shifted by 22 lies within 16 bits.

mod horizontal;
mod split;
mod vertical;

pub(super) use horizontal::{horizontal, Pairs, TOGETHER};
pub(super) use split::{is_available, Pair, SPLIT};
pub(super) use vertical::vertical;
