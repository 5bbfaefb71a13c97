//! Matrix products, convolutions and attention.

use super::functions::{apply, exp};
use super::{maximum, sum};
use crate::functions::Function;
use crate::shapes::{Attention, Window};

/// What follows a product: bias, activation, residual.
pub fn finish(c: f32, bias: Option<f32>, activation: Function, residual: Option<f32>) -> f32 {
    let c = bias.map_or(c, |b| c + b);
    let c = apply(activation, c);
    residual.map_or(c, |r| c + r)
}

/// The chain of a product: c = +0, then c = fma(a, b, c) in ascending order.
pub fn chain(pairs: impl Iterator<Item = (f32, f32)>) -> f32 {
    let mut c = 0.0f32;
    for (a, b) in pairs {
        c = a.mul_add(b, c);
    }
    c
}

/// `x` (m, k) times the transpose of `weight` (n, k): (m, n).
pub fn linear(
    x: &[f32],
    weight: &[f32],
    (m, k, n): (usize, usize, usize),
    bias: Option<&[f32]>,
    activation: Function,
    residual: Option<&[f32]>,
) -> Vec<f32> {
    let mut out = Vec::new();
    for i in 0..m {
        for j in 0..n {
            let c = chain((0..k).map(|l| (x[i * k + l], weight[j * k + l])));
            out.push(finish(
                c,
                bias.map(|b| b[j]),
                activation,
                residual.map(|r| r[i * n + j]),
            ));
        }
    }
    out
}

/// A convolution of `x` (batch, height, width, channels) with `weight` (outputs, channels / groups, kernel rows, kernel
/// columns): (batch, rows, columns, outputs). Taps run over kernel rows, kernel columns, channels; those beside the image
/// are products with +0.
pub fn convolution(
    x: &[f32],
    weight: &[f32],
    w: &Window,
    (batch, channels, outputs, groups): (usize, usize, usize, usize),
    bias: Option<&[f32]>,
    activation: Function,
    residual: Option<&[f32]>,
) -> Vec<f32> {
    let (rows, columns) = w.output();
    let (inside, outside) = (channels / groups, outputs / groups);
    let mut out = Vec::new();
    for b in 0..batch {
        for y in 0..rows {
            for column in 0..columns {
                for o in 0..outputs {
                    let first = o / outside * inside;
                    let mut pairs = Vec::new();
                    for i in 0..w.kernel.0 {
                        for j in 0..w.kernel.1 {
                            for c in 0..inside {
                                let value = w.tap(y, column, i, j).map_or(0.0, |(r, q)| {
                                    x[((b * w.input.0 + r) * w.input.1 + q) * channels + first + c]
                                });
                                let at = ((o * inside + c) * w.kernel.0 + i) * w.kernel.1 + j;
                                pairs.push((value, weight[at]));
                            }
                        }
                    }
                    let place = out.len();
                    out.push(finish(
                        chain(pairs.into_iter()),
                        bias.map(|b| b[o]),
                        activation,
                        residual.map(|r| r[place]),
                    ));
                }
            }
        }
    }
    out
}

/// Attention of `q` (batch, queries, heads, width), `k` (batch, keys, heads, width), `v` (batch, keys, heads, value
/// width): (batch, queries, heads, value width).
pub fn attention(q: &[f32], k: &[f32], v: &[f32], bias: Option<&[f32]>, a: &Attention) -> Vec<f32> {
    let mut out = vec![0.0; a.batch * a.queries * a.heads * a.value_width];
    for b in 0..a.batch {
        for h in 0..a.heads {
            for i in 0..a.queries {
                let at = |row: usize, length: usize, width: usize| {
                    ((b * length + row) * a.heads + h) * width
                };
                let mut scores = Vec::new();
                for j in 0..a.keys {
                    let pairs = (0..a.width).map(|d| {
                        (
                            k[at(j, a.keys, a.width) + d],
                            q[at(i, a.queries, a.width) + d],
                        )
                    });
                    let mut s = chain(pairs) * a.scale;
                    if let (Some((rows, heads)), Some(bias)) = (a.bias, bias) {
                        let plane = (b % rows) * heads + h % heads;
                        s += bias[(plane * a.queries + i) * a.keys + j];
                    }
                    scores.push(s);
                }
                let m = maximum(&scores);
                let e: Vec<f32> = scores.iter().map(|s| exp(s - m)).collect();
                let inverse = 1.0 / sum(&e);
                for d in 0..a.value_width {
                    let c = chain((0..a.keys).map(|j| (v[at(j, a.keys, a.value_width) + d], e[j])));
                    out[at(i, a.queries, a.value_width) + d] = c * inverse;
                }
            }
        }
    }
    out
}
