//! Normalisations and softmax.

use super::functions::exp;
use super::{maximum, sum, sum_of_squares};

/// Rows of `width`: (x - mean) times 1/sqrt(variance + eps), then one fused multiply-add with weight and bias.
pub fn layer_norm(x: &[f32], width: usize, affine: Option<(&[f32], &[f32])>, eps: f32) -> Vec<f32> {
    let mut out = Vec::new();
    for row in x.chunks(width) {
        let (mean, scale) = moments(row, eps);
        for (i, value) in row.iter().enumerate() {
            let y = (value - mean) * scale;
            out.push(affine.map_or(y, |(w, b)| y.mul_add(w[i], b[i])));
        }
    }
    out
}

fn moments(elements: &[f32], eps: f32) -> (f32, f32) {
    let n = elements.len() as f32;
    let mean = sum(elements) / n;
    let centred: Vec<f32> = elements.iter().map(|x| x - mean).collect();
    let variance = sum_of_squares(&centred) / n;
    (mean, 1.0 / (variance + eps).sqrt())
}

/// Rows of `width`: x times 1/sqrt(mean of squares + eps), then times weight.
pub fn rms_norm(x: &[f32], width: usize, weight: Option<&[f32]>, eps: f32) -> Vec<f32> {
    let mut out = Vec::new();
    for row in x.chunks(width) {
        let scale = 1.0 / (sum_of_squares(row) / width as f32 + eps).sqrt();
        for (i, value) in row.iter().enumerate() {
            let y = value * scale;
            out.push(weight.map_or(y, |w| y * w[i]));
        }
    }
    out
}

/// Batch normalisation in eval form: x (..., channels) times scale plus shift, one fused multiply-add.
pub fn batch_norm(
    x: &[f32],
    mean: &[f32],
    variance: &[f32],
    weight: &[f32],
    bias: &[f32],
    eps: f32,
) -> Vec<f32> {
    let mut out = Vec::new();
    for row in x.chunks(mean.len()) {
        for (c, value) in row.iter().enumerate() {
            let scale = weight[c] / (variance[c] + eps).sqrt();
            let shift = (-mean[c]).mul_add(scale, bias[c]);
            out.push(value.mul_add(scale, shift));
        }
    }
    out
}

/// Group normalisation of (batch, positions, channels): the moments are over the positions and the channels of a group, in
/// this order.
pub fn group_norm(
    x: &[f32],
    (positions, channels, groups): (usize, usize, usize),
    weight: &[f32],
    bias: &[f32],
    eps: f32,
) -> Vec<f32> {
    let mut out = vec![0.0; x.len()];
    let inside = channels / groups;
    for start in (0..x.len()).step_by(positions * channels) {
        for g in 0..groups {
            let mut places = Vec::new();
            for p in 0..positions {
                for c in 0..inside {
                    places.push((start + p * channels + g * inside + c, g * inside + c));
                }
            }
            let elements: Vec<f32> = places.iter().map(|(at, _)| x[*at]).collect();
            let (mean, scale) = moments(&elements, eps);
            for (at, c) in places {
                out[at] = ((x[at] - mean) * scale).mul_add(weight[c], bias[c]);
            }
        }
    }
    out
}

/// Rows of `width`: exp(x - maximum) times 1/sum.
pub fn softmax(x: &[f32], width: usize) -> Vec<f32> {
    let mut out = Vec::new();
    for row in x.chunks(width) {
        let m = maximum(row);
        let e: Vec<f32> = row.iter().map(|x| exp(x - m)).collect();
        let inverse = 1.0 / sum(&e);
        out.extend(e.iter().map(|e| e * inverse));
    }
    out
}
