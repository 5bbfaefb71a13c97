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

fn horizontal(source: &RgbImage, first_row: usize, weights: &Weights, target: &mut RgbImage) {
    for y in 0..target.height() {
        let from = source.row(first_row + y);
        let to = target.row_mut(y);
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

fn vertical(source: &RgbImage, weights: &Weights, target: &mut RgbImage) {
    let mut sums = vec![HALF; target.width() * CHANNELS];
    for y in 0..target.height() {
        let (first, values) = weights.at(y);
        sums.fill(HALF);
        for (offset, &weight) in values.iter().enumerate() {
            for (sum, &value) in sums.iter_mut().zip(source.row(first + offset)) {
                *sum += i32::from(value) * weight;
            }
        }
        for (byte, &sum) in target.row_mut(y).iter_mut().zip(&sums) {
            *byte = to_byte(sum);
        }
    }
}
