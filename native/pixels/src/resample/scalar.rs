//! The two passes in plain code: the definition that every faster kernel is compared with.

use super::rows::Rows;
use super::weights::{Weights, PRECISION_BITS};
use crate::image::CHANNELS;

/// One half: the sum is rounded, not cut, when it is shifted.
pub(super) const HALF: i32 = 1 << (PRECISION_BITS - 1);

fn to_byte(sum: i32) -> u8 {
    (sum >> PRECISION_BITS).clamp(0, 255) as u8
}

/// Values that the vertical pass adds up at a time: their sums stay in the first-level cache.
const BLOCK: usize = 4096;

/// See [`super::kernel::Kernel::horizontal`].
pub(super) fn horizontal(
    input: &Rows,
    count: usize,
    weights: &Weights,
    output: &mut Rows,
    place: usize,
) {
    for y in 0..count {
        let from = input.row(y);
        let to = &mut output.row_mut(y)[place * CHANNELS..][..weights.len() * CHANNELS];
        for (x, pixel) in to.chunks_exact_mut(CHANNELS).enumerate() {
            let (first, values) = weights.at(x);
            let mut sums = [HALF; CHANNELS];
            for (taken, &weight) in from[first * CHANNELS..].chunks_exact(CHANNELS).zip(values) {
                for channel in 0..CHANNELS {
                    sums[channel] += i32::from(taken[channel]) * weight;
                }
            }
            for channel in 0..CHANNELS {
                pixel[channel] = to_byte(sums[channel]);
            }
        }
    }
}

/// See [`super::kernel::Kernel::vertical`].
pub(super) fn vertical(
    input: &Rows,
    first: usize,
    weights: &[i32],
    offset: usize,
    output: &mut [u8],
) {
    let mut sums = [HALF; BLOCK];
    for (block, to) in output.chunks_mut(BLOCK).enumerate() {
        let sums = &mut sums[..to.len()];
        sums.fill(HALF);
        for (row, &weight) in weights.iter().enumerate() {
            let from = &input.row(first + row)[offset + block * BLOCK..][..to.len()];
            for (sum, &value) in sums.iter_mut().zip(from) {
                *sum += i32::from(value) * weight;
            }
        }
        for (byte, &sum) in to.iter_mut().zip(sums.iter()) {
            *byte = to_byte(sum);
        }
    }
}
