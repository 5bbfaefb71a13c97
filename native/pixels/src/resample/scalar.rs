//! The two passes in plain code: the definition that every faster kernel is compared with.

use super::weights::{Weights, PRECISION_BITS};
use super::Kernel;
use crate::image::{RgbImage, CHANNELS};

pub(super) const KERNEL: Kernel = Kernel {
    horizontal,
    vertical,
};

/// One half: the sum is rounded, not cut, when it is shifted.
const HALF: i32 = 1 << (PRECISION_BITS - 1);

fn to_byte(sum: i32) -> u8 {
    (sum >> PRECISION_BITS).clamp(0, 255) as u8
}

/// Values that the vertical pass adds up at a time: their sums stay in the first-level cache.
const BLOCK: usize = 4096;

fn horizontal(
    source: &RgbImage,
    first_row: usize,
    weights: &Weights,
    target: &mut RgbImage,
    first_column: usize,
) {
    for y in 0..target.height() {
        let from = source.row(first_row + y);
        let to = &mut target.row_mut(y)[first_column * CHANNELS..][..weights.len() * CHANNELS];
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

fn vertical(source: &RgbImage, weights: &Weights, target: &mut RgbImage, first_row: usize) {
    let mut sums = [HALF; BLOCK];
    for y in 0..weights.len() {
        let (first, values) = weights.at(y);
        for (block, to) in target.row_mut(first_row + y).chunks_mut(BLOCK).enumerate() {
            let sums = &mut sums[..to.len()];
            sums.fill(HALF);
            for (offset, &weight) in values.iter().enumerate() {
                let from = &source.row(first + offset)[block * BLOCK..][..to.len()];
                for (sum, &value) in sums.iter_mut().zip(from) {
                    *sum += i32::from(value) * weight;
                }
            }
            for (byte, &sum) in to.iter_mut().zip(sums.iter()) {
                *byte = to_byte(sum);
            }
        }
    }
}
