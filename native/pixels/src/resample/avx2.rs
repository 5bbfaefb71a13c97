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

use std::arch::x86_64::*;
use std::ops::Range;

use super::rows::{Rows, SLACK};
use super::scalar::HALF;
use super::weights::{Weights, GROUP, PRECISION_BITS};
use crate::image::CHANNELS;

/// Weights whose high part fits 16 bits.
pub(super) const SPLIT: Range<i32> = -(1 << 30)..1 << 30;

const LOW_BITS: i32 = 15;
const SHIFT: i32 = PRECISION_BITS as i32;

/// Rows that share the loads of their weights.
const TOGETHER: usize = 4;

/// Bytes of a half register: what one load of [`GROUP`] pixels reads.
const HALF_REGISTER: usize = 16;

/// Bytes that the vertical pass makes at a time.
const BLOCK: usize = 32;

const _: () = assert!(GROUP == 4 && SLACK >= BLOCK);
const _: () = assert!((GROUP - 1) * CHANNELS + HALF_REGISTER - GROUP * CHANNELS <= SLACK);

/// Whether this machine can run the functions of this module.
pub(super) fn is_available() -> bool {
    is_x86_feature_detected!("avx2")
}

/// See [`super::kernel::Kernel::horizontal`]. The machine has AVX2, and every weight is in
/// [`SPLIT`].
pub(super) fn horizontal(
    input: &Rows,
    count: usize,
    weights: &Weights,
    output: &mut Rows,
    place: usize,
) {
    let mut y = 0;
    while y + TOGETHER <= count {
        // SAFETY: the caller says that the machine has AVX2.
        unsafe { across::<TOGETHER>(input, y, weights, output, place) };
        y += TOGETHER;
    }
    for y in y..count {
        // SAFETY: as above.
        unsafe { across::<1>(input, y, weights, output, place) };
    }
}

/// `R` rows, 1 or 4, from row `y` on.
///
/// # Safety
///
/// The machine has AVX2.
#[target_feature(enable = "avx2")]
unsafe fn across<const R: usize>(
    input: &Rows,
    y: usize,
    weights: &Weights,
    output: &mut Rows,
    place: usize,
) {
    let (stride, to_stride) = (input.stride(), output.stride());
    let from = input.block(y, R);
    let to = output.block_mut(y, R);
    // The last byte of the last pixel's store lies in the slack of its row.
    assert!((place + weights.len()) * CHANNELS < to_stride && to.len() == R * to_stride);
    assert!(from.len() == R * stride);
    // SAFETY: AVX2 is the caller's promise. Loads of `from`: `window` ends `HALF_REGISTER` bytes
    // after the start of its last group, and is checked to end within a row with its slack, of
    // which `from` has R. Loads of weights: `values` has whole groups. Stores: 4 bytes from pixel
    // `place + x` of a row on, which end at most one byte after pixel `place + weights.len() - 1`,
    // checked above to lie within the row's stride, of which `to` has R.
    unsafe {
        // From 4 pixels of 3 bytes: for each channel the values of pixels 0 and 1 as 16 bits in
        // the lower half of a register, of pixels 2 and 3 in the upper half.
        let pixels = _mm256_setr_epi8(
            0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1, //
            6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1,
        );
        // From 4 low parts and 4 high parts: those of weights 0 and 1 three times, 2 and 3 above.
        let take_low = _mm256_setr_epi8(
            0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, -1, -1, -1, -1, //
            4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, -1, -1, -1, -1,
        );
        let take_high = _mm256_add_epi8(
            take_low,
            _mm256_and_si256(
                _mm256_cmpgt_epi8(take_low, _mm256_set1_epi8(-1)),
                _mm256_set1_epi8(8),
            ),
        );
        let low_bits = _mm_set1_epi32((1 << LOW_BITS) - 1);
        let half = _mm_set1_epi32(HALF);
        for x in 0..weights.len() {
            let (first, values) = weights.groups(x);
            let window = first * CHANNELS + values.len() * CHANNELS + HALF_REGISTER;
            assert!(window <= stride + GROUP * CHANNELS);
            let mut low = [_mm256_setzero_si256(); R];
            let mut high = [_mm256_setzero_si256(); R];
            let mut place_in = first * CHANNELS;
            for group in values.chunks_exact(GROUP) {
                let weight = _mm_loadu_si128(group.as_ptr().cast());
                let parts = _mm_packs_epi32(
                    _mm_and_si128(weight, low_bits),
                    _mm_srai_epi32::<LOW_BITS>(weight),
                );
                let parts = _mm256_broadcastsi128_si256(parts);
                let weight_low = _mm256_shuffle_epi8(parts, take_low);
                let weight_high = _mm256_shuffle_epi8(parts, take_high);
                for row in 0..R {
                    let bytes = _mm_loadu_si128(from.as_ptr().add(row * stride + place_in).cast());
                    let taken = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(bytes), pixels);
                    low[row] = _mm256_add_epi32(low[row], _mm256_madd_epi16(taken, weight_low));
                    high[row] = _mm256_add_epi32(high[row], _mm256_madd_epi16(taken, weight_high));
                }
                place_in += GROUP * CHANNELS;
            }
            let mut sums = [_mm_setzero_si128(); TOGETHER];
            for row in 0..R {
                let sum = _mm256_add_epi32(_mm256_slli_epi32::<LOW_BITS>(high[row]), low[row]);
                let sum = _mm_add_epi32(
                    _mm256_castsi256_si128(sum),
                    _mm256_extracti128_si256::<1>(sum),
                );
                sums[row] = _mm_srai_epi32::<SHIFT>(_mm_add_epi32(sum, half));
            }
            let bytes = _mm_packus_epi16(
                _mm_packs_epi32(sums[0], sums[1]),
                _mm_packs_epi32(sums[2], sums[3]),
            );
            let mut quads = [0u32; TOGETHER];
            _mm_storeu_si128(quads.as_mut_ptr().cast(), bytes);
            for (row, &quad) in quads.iter().take(R).enumerate() {
                let target = to
                    .as_mut_ptr()
                    .add(row * to_stride + (place + x) * CHANNELS);
                target.cast::<u32>().write_unaligned(quad);
            }
        }
    }
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

/// See [`super::kernel::Kernel::vertical`]. The machine has AVX2, and every weight is in
/// [`SPLIT`]. `pairs` is room for half as many pairs as there are weights.
pub(super) fn vertical(
    input: &Rows,
    first: usize,
    weights: &[i32],
    offset: usize,
    pairs: &mut Vec<Pair>,
    output: &mut [u8],
) {
    pairs.clear();
    pairs.extend(
        weights
            .chunks(2)
            .map(|two| pair(two[0], two.get(1).copied().unwrap_or(0))),
    );
    // SAFETY: the caller says that the machine has AVX2.
    unsafe { down(input, first, weights.len(), offset, pairs, output) }
}

/// 16 bytes as numbers of 16 bits.
///
/// # Safety
///
/// The machine has AVX2, and 16 bytes can be read from `from` on.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn widened(from: *const u8) -> __m256i {
    // SAFETY: that is the caller's promise.
    unsafe { _mm256_cvtepu8_epi16(_mm_loadu_si128(from.cast())) }
}

/// # Safety
///
/// The machine has AVX2.
#[target_feature(enable = "avx2")]
unsafe fn down(
    input: &Rows,
    first: usize,
    count: usize,
    offset: usize,
    pairs: &[Pair],
    output: &mut [u8],
) {
    let stride = input.stride();
    let from = input.block(first, count);
    assert!(from.len() == count * stride && pairs.len() == count.div_ceil(2));
    // A whole register at the end of a row reaches into its slack.
    assert!(offset + output.len() + SLACK <= stride);
    let mut start = 0;
    while start < output.len() {
        let mut block = [0u8; BLOCK];
        // SAFETY: AVX2 is the caller's promise. Loads: 32 bytes from `offset + start` of a row on,
        // which end less than 32 bytes after `offset + output.len()` and so within the stride, of
        // rows 0 to `count - 1` of `from`. The store fills `block`.
        unsafe {
            let mut low = [_mm256_setzero_si256(); 4];
            let mut high = [_mm256_setzero_si256(); 4];
            for (index, &[pair_low, pair_high]) in pairs.iter().enumerate() {
                let above = 2 * index;
                // The weight of a row that is not there is zero.
                let below = (above + 1).min(count - 1);
                let weight_low = _mm256_set1_epi32(pair_low);
                let weight_high = _mm256_set1_epi32(pair_high);
                for half in 0..2 {
                    let column = offset + start + half * HALF_REGISTER;
                    let a = widened(from.as_ptr().add(above * stride + column));
                    let b = widened(from.as_ptr().add(below * stride + column));
                    for (part, values) in [_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b)]
                        .into_iter()
                        .enumerate()
                    {
                        let at = 2 * half + part;
                        low[at] = _mm256_add_epi32(low[at], _mm256_madd_epi16(values, weight_low));
                        high[at] =
                            _mm256_add_epi32(high[at], _mm256_madd_epi16(values, weight_high));
                    }
                }
            }
            let half = _mm256_set1_epi32(HALF);
            let mut sums = [_mm256_setzero_si256(); 4];
            for at in 0..4 {
                let sum = _mm256_add_epi32(_mm256_slli_epi32::<LOW_BITS>(high[at]), low[at]);
                sums[at] = _mm256_srai_epi32::<SHIFT>(_mm256_add_epi32(sum, half));
            }
            // Unpacking and packing work on the halves of a register: the order of 16 values
            // comes back by itself, that of four groups of 8 bytes by the permutation.
            let bytes = _mm256_packus_epi16(
                _mm256_packs_epi32(sums[0], sums[1]),
                _mm256_packs_epi32(sums[2], sums[3]),
            );
            let bytes = _mm256_permute4x64_epi64::<0b11_01_10_00>(bytes);
            _mm256_storeu_si256(block.as_mut_ptr().cast(), bytes);
        }
        let length = BLOCK.min(output.len() - start);
        output[start..start + length].copy_from_slice(&block[..length]);
        start += BLOCK;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Byte of the sum modulo 2^32, whatever the weights.
    fn byte(products: impl Iterator<Item = (u8, i32)>) -> u8 {
        let sum = products.fold(i64::from(HALF), |sum, (value, weight)| {
            sum + i64::from(value) * i64::from(weight)
        });
        ((sum as i32) >> PRECISION_BITS).clamp(0, 255) as u8
    }

    /// Protects: the split of weights of any size, up to its limits, and odd numbers of them.
    #[test]
    fn split_is_exact() {
        if !is_available() {
            return;
        }
        let edges = [
            SPLIT.start,
            SPLIT.end - 1,
            -1,
            0,
            1,
            0x7fff,
            0x8000,
            -0x8000,
            -0x8001,
        ];
        let mut state = 1u64;
        for count in 1..40 {
            let mut rows = Rows::new(count, 70).unwrap();
            let weights: Vec<i32> = (0..count)
                .map(|index| {
                    state = state.wrapping_mul(6364136223846793005).wrapping_add(99);
                    match (state >> 60, edges.get((state >> 33) as usize % 12)) {
                        (0..8, Some(&edge)) => edge,
                        _ if index % 2 == 0 => (state >> 34) as i32 - (1 << 29),
                        _ => (state >> 40) as i32 % (1 << 22),
                    }
                })
                .collect();
            for y in 0..count {
                for value in rows.row_mut(y) {
                    state = state.wrapping_mul(6364136223846793005).wrapping_add(99);
                    *value = (state >> 56) as u8 | if state & 1 << 40 == 0 { 0 } else { 255 };
                }
            }
            for (offset, length) in [(0, 70), (3, 64), (6, 1), (9, 33)] {
                let mut line = vec![9; length];
                vertical(&rows, 0, &weights, offset, &mut Vec::new(), &mut line);
                for (x, &found) in line.iter().enumerate() {
                    let column = (0..count).map(|y| (rows.row(y)[offset + x], weights[y]));
                    assert_eq!(found, byte(column), "{count} rows, byte {x}");
                }
            }
        }
    }
}
