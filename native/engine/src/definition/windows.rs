//! Poolings and reductions.

use super::{larger, maximum, sum};
use crate::shapes::Window;

/// What a pooling gives of the elements of its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// The largest.
    Max,
    /// The sum by the number of elements inside the image.
    MeanInside,
    /// The sum by the size of the window.
    Mean,
}

/// A pooling of (batch, height, width, channels): elements in the order of rows, columns; those beside the image are left out.
pub fn pool(x: &[f32], w: &Window, batch: usize, channels: usize, kind: Pool) -> Vec<f32> {
    let (rows, columns) = w.output();
    let mut out = Vec::new();
    for b in 0..batch {
        for y in 0..rows {
            for column in 0..columns {
                for c in 0..channels {
                    let mut elements = Vec::new();
                    for i in 0..w.kernel.0 {
                        for j in 0..w.kernel.1 {
                            if let Some((r, q)) = w.tap(y, column, i, j) {
                                elements
                                    .push(x[((b * w.input.0 + r) * w.input.1 + q) * channels + c]);
                            }
                        }
                    }
                    out.push(match kind {
                        Pool::Max => elements
                            .iter()
                            .fold(f32::NEG_INFINITY, |m, x| larger(m, *x)),
                        Pool::MeanInside => sum(&elements) / elements.len() as f32,
                        Pool::Mean => sum(&elements) / (w.kernel.0 * w.kernel.1) as f32,
                    });
                }
            }
        }
    }
    out
}

/// The mean over windows that share an image out: window i of n covers rows floor(i h / n) to ceil((i + 1) h / n) - 1.
pub fn adaptive_mean(
    x: &[f32],
    (batch, height, width, channels): (usize, usize, usize, usize),
    (rows, columns): (usize, usize),
) -> Vec<f32> {
    let mut out = Vec::new();
    for b in 0..batch {
        for y in 0..rows {
            for column in 0..columns {
                for c in 0..channels {
                    let mut elements = Vec::new();
                    for r in y * height / rows..((y + 1) * height).div_ceil(rows) {
                        for q in column * width / columns..((column + 1) * width).div_ceil(columns)
                        {
                            elements.push(x[((b * height + r) * width + q) * channels + c]);
                        }
                    }
                    out.push(sum(&elements) / elements.len() as f32);
                }
            }
        }
    }
    out
}

/// The mean or the maximum over the middle one of (outer, length, inner).
pub fn reduce(x: &[f32], (outer, length, inner): (usize, usize, usize), max: bool) -> Vec<f32> {
    let mut out = Vec::new();
    for o in 0..outer {
        for i in 0..inner {
            let elements: Vec<f32> = (0..length)
                .map(|l| x[(o * length + l) * inner + i])
                .collect();
            out.push(if max {
                maximum(&elements)
            } else {
                sum(&elements) / length as f32
            });
        }
    }
    out
}
