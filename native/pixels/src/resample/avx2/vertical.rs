//! The vertical pass: 32 bytes of an output row at a time, from pairs of rows.

use std::arch::x86_64::*;

use super::split::{of_two, rounded, Pair, REGISTER};
use crate::resample::rows::{Rows, SLACK};

/// See [`crate::resample::kernel::Kernel::vertical`]. The machine has AVX2, and every weight is in
/// [`super::SPLIT`]. `pairs` is room for half as many pairs as there are weights.
pub(in crate::resample) fn vertical(
    input: &Rows,
    first: usize,
    weights: &[i32],
    offset: usize,
    pairs: &mut Vec<Pair>,
    output: &mut [u8],
) {
    pairs.clear();
    pairs.extend(weights.chunks(2).map(of_two));
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
        let mut block = [0u8; REGISTER];
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
                    let column = offset + start + half * REGISTER / 2;
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
            let mut sums = [_mm256_setzero_si256(); 4];
            for at in 0..4 {
                sums[at] = rounded(low[at], high[at]);
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
        let length = REGISTER.min(output.len() - start);
        output[start..start + length].copy_from_slice(&block[..length]);
        start += REGISTER;
    }
}

#[cfg(test)]
mod tests {
    use super::super::{is_available, SPLIT};
    use super::*;
    use crate::resample::scalar::HALF;
    use crate::resample::weights::PRECISION_BITS;

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
