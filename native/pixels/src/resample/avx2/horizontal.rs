//! The horizontal pass: eight rows at a time, of which pairs of neighbouring pixels are made ready.

use std::arch::x86_64::*;
use std::ops::Range;

use super::split::{of_two, pair, rounded, Pair, REGISTER, SPLIT};
use crate::error::PixelError;
use crate::image::CHANNELS;
use crate::resample::rows::Rows;
use crate::resample::weights::{reserved, Weights};

/// Rows that go through the horizontal pass together: 8 rows of 3 channels fill 3 registers.
pub(in crate::resample) const TOGETHER: usize = 8;

/// Bytes of two neighbouring pixels of all these rows, as numbers of 16 bits.
const PAIR_BYTES: usize = TOGETHER * CHANNELS * 4;
const REGISTERS: usize = PAIR_BYTES / REGISTER;

/// Bytes of two neighbouring pixels of one row, as numbers of 16 bits.
const ROW_BYTES: usize = PAIR_BYTES / TOGETHER;

/// Pairs of pixels that are made ready at a time: they stay near the processor.
const TILE: usize = 384;

const _: () = assert!(REGISTERS * REGISTER == PAIR_BYTES);

/// The weights of consecutive output positions, for pairs of pixels of which the first is even.
pub(in crate::resample) struct Pairs {
    /// For each output position the first pair of pixels, and where its weights end.
    bounds: Vec<(usize, usize)>,
    weights: Vec<Pair>,
}

impl Pairs {
    /// `None` where this module cannot add up: with weights out of [`SPLIT`], or too many.
    pub fn new(weights: &Weights) -> Result<Option<Self>, PixelError> {
        let most = (0..weights.len()).map(|x| weights.at(x).1.len() / 2 + 1);
        if !weights.are_in(&SPLIT) || most.clone().max() > Some(TILE) {
            return Ok(None);
        }
        let mut pairs = reserved(most.sum())?;
        let mut bounds = reserved(weights.len())?;
        for x in 0..weights.len() {
            let (first, values) = weights.at(x);
            let (alone, rest) = values.split_at(values.len().min(first % 2));
            pairs.extend(alone.iter().map(|&weight| pair(0, weight)));
            pairs.extend(rest.chunks(2).map(of_two));
            bounds.push((first / 2, pairs.len()));
        }
        Ok(Some(Self {
            bounds,
            weights: pairs,
        }))
    }

    /// First pair of pixels and the weights of an output position.
    fn at(&self, index: usize) -> (usize, &[Pair]) {
        let start = index
            .checked_sub(1)
            .map_or(0, |before| self.bounds[before].1);
        let (first, end) = self.bounds[index];
        (first, &self.weights[start..end])
    }
}

/// See [`crate::resample::kernel::Kernel::horizontal`], for the first [`TOGETHER`] rows. The machine has
/// AVX2. `tile` is room for the work.
pub(in crate::resample) fn horizontal(
    input: &Rows,
    weights: &Pairs,
    tile: &mut Vec<u8>,
    output: &mut Rows,
    place: usize,
) {
    // The last row of a pair is stored as a half register, of which a quarter is not its own.
    tile.resize(TILE * PAIR_BYTES + REGISTER, 0);
    let count = weights.bounds.len();
    let mut x = 0;
    while x < count {
        let first = weights.at(x).0;
        let mut pairs = 0;
        let mut end = x;
        while end < count {
            let (start, values) = weights.at(end);
            if start + values.len() - first > TILE {
                break;
            }
            pairs = start + values.len() - first;
            end += 1;
        }
        // SAFETY: the caller says that the machine has AVX2.
        unsafe {
            widen(input, first, pairs, tile);
            across(tile, first, weights, x..end, output, place);
        }
        x = end;
    }
}

/// Writes `pairs` pairs of pixels from pair `first` on to `tile`: for each pair, for each row, for
/// each channel the two values as numbers of 16 bits.
///
/// # Safety
///
/// The machine has AVX2.
#[target_feature(enable = "avx2")]
unsafe fn widen(input: &Rows, first: usize, pairs: usize, tile: &mut [u8]) {
    let stride = input.stride();
    let from = input.block(0, TOGETHER);
    assert!(from.len() == TOGETHER * stride && tile.len() >= pairs * PAIR_BYTES + REGISTER);
    assert!(pairs == 0 || (first + pairs - 1) * 2 * CHANNELS + REGISTER / 2 <= stride);
    // SAFETY: AVX2 is the caller's promise. A load reads half a register from the start of a pair
    // on, which is checked for the last pair to end within the row and its slack, of which `from`
    // has `TOGETHER`. A store writes half a register from the start of a row of a pair on, and
    // `tile` has a register more than the pairs take. What it writes behind the row is overwritten
    // by the next one.
    unsafe {
        let order = _mm_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1);
        for pair in 0..pairs {
            let source = from.as_ptr().add((first + pair) * 2 * CHANNELS);
            let target = tile.as_mut_ptr().add(pair * PAIR_BYTES);
            for row in 0..TOGETHER {
                let bytes = _mm_loadu_si128(source.add(row * stride).cast());
                let values = _mm_shuffle_epi8(bytes, order);
                _mm_storeu_si128(target.add(row * ROW_BYTES).cast(), values);
            }
        }
    }
}

/// The output positions `wanted`, of a tile that starts with pair `first`.
///
/// # Safety
///
/// The machine has AVX2.
#[target_feature(enable = "avx2")]
unsafe fn across(
    tile: &[u8],
    first: usize,
    weights: &Pairs,
    wanted: Range<usize>,
    output: &mut Rows,
    place: usize,
) {
    let stride = output.stride();
    let to = output.block_mut(0, TOGETHER);
    // The last byte of the last pixel's store lies in the slack of its row.
    assert!((place + wanted.end) * CHANNELS < stride && to.len() == TOGETHER * stride);
    for x in wanted {
        let (start, values) = weights.at(x);
        let start = start - first;
        assert!((start + values.len()) * PAIR_BYTES <= tile.len());
        // SAFETY: AVX2 is the caller's promise. Loads read whole pairs of the tile, which is
        // checked to have them. Stores write 4 bytes from pixel `place + x` of a row on, checked
        // to end within the row's stride, of which `to` has `TOGETHER`; they are read from the
        // first 28 of 32 bytes.
        unsafe {
            let mut low = [_mm256_setzero_si256(); REGISTERS];
            let mut high = [_mm256_setzero_si256(); REGISTERS];
            let mut pair = tile.as_ptr().add(start * PAIR_BYTES);
            for &[weight_low, weight_high] in values {
                let weight_low = _mm256_set1_epi32(weight_low);
                let weight_high = _mm256_set1_epi32(weight_high);
                for at in 0..REGISTERS {
                    let taken = _mm256_loadu_si256(pair.add(at * REGISTER).cast());
                    low[at] = _mm256_add_epi32(low[at], _mm256_madd_epi16(taken, weight_low));
                    high[at] = _mm256_add_epi32(high[at], _mm256_madd_epi16(taken, weight_high));
                }
                pair = pair.add(PAIR_BYTES);
            }
            let mut sums = [_mm256_setzero_si256(); REGISTERS];
            for at in 0..REGISTERS {
                sums[at] = rounded(low[at], high[at]);
            }
            // Packing works on the halves of a register: the permutation puts the six groups of
            // 4 bytes back in the order of the rows.
            let bytes = _mm256_packus_epi16(
                _mm256_packs_epi32(sums[0], sums[1]),
                _mm256_packs_epi32(sums[2], sums[2]),
            );
            let order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
            let mut pixels = [0u8; REGISTER];
            _mm256_storeu_si256(
                pixels.as_mut_ptr().cast(),
                _mm256_permutevar8x32_epi32(bytes, order),
            );
            let target = to.as_mut_ptr().add((place + x) * CHANNELS);
            for row in 0..TOGETHER {
                let pixel = pixels.as_ptr().add(row * CHANNELS).cast::<u32>();
                let target = target.add(row * stride).cast::<u32>();
                target.write_unaligned(pixel.read_unaligned());
            }
        }
    }
}
