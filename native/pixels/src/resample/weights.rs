//! The integer weights of one pass.

use std::ops::Range;

use super::filter::Shape;
use crate::error::PixelError;

/// Bits after the point of a weight: 32 less 8 of the value, less 2 against overflow.
pub(super) const PRECISION_BITS: u32 = 32 - 8 - 2;

/// For each output position, the input positions that it draws on and their weights.
pub(super) struct Weights {
    /// Weights reserved for each output position.
    stride: usize,
    /// First input position and number of weights.
    bounds: Vec<(usize, usize)>,
    values: Vec<i32>,
}

impl Weights {
    /// Weights that take `input` positions to `output`. Both are at least 1.
    pub fn new(input: usize, output: usize, shape: Shape) -> Result<Self, PixelError> {
        // The length passes through single precision: Pillow keeps its box in floats.
        let scale = f64::from(input as f32) / output as f64;
        let filter_scale = scale.max(1.0);
        let support = shape.support * filter_scale;
        let stride = support.ceil() as usize * 2 + 1;
        let inverse = 1.0 / filter_scale;
        let mut values = Vec::new();
        values
            .try_reserve_exact(stride.checked_mul(output).ok_or(PixelError::Memory)?)
            .map_err(|_| PixelError::Memory)?;
        let mut bounds = Vec::with_capacity(output);
        let mut exact = Vec::with_capacity(stride);
        for position in 0..output {
            let centre = (position as f64 + 0.5) * scale;
            // The casts truncate towards zero and clamp negative values to zero.
            let first = (centre - support + 0.5) as usize;
            let end = ((centre + support + 0.5) as usize).min(input);
            exact.clear();
            let mut total = 0.0;
            for x in first..end {
                let weight = (shape.value)((x as f64 - centre + 0.5) * inverse);
                exact.push(weight);
                total += weight;
            }
            bounds.push((first, exact.len()));
            values.extend(
                exact
                    .iter()
                    .map(|&weight| fixed_point(if total == 0.0 { weight } else { weight / total })),
            );
            values.resize((position + 1) * stride, 0);
        }
        Ok(Self {
            stride,
            bounds,
            values,
        })
    }

    /// First input position and weights of an output position.
    pub fn at(&self, position: usize) -> (usize, &[i32]) {
        let (first, count) = self.bounds[position];
        (first, &self.values[position * self.stride..][..count])
    }

    /// The input positions that any output position draws on.
    pub fn span(&self) -> Range<usize> {
        let (first, _) = self.bounds[0];
        let (last, count) = self.bounds[self.bounds.len() - 1];
        first..last + count
    }

    /// Makes input positions count from `first`.
    pub fn shift(&mut self, first: usize) {
        for bound in &mut self.bounds {
            bound.0 -= first;
        }
    }
}

/// Nearest 22-bit fixed-point number, halves away from zero.
fn fixed_point(weight: f64) -> i32 {
    let scaled = weight * f64::from(1 << PRECISION_BITS);
    if weight < 0.0 {
        (-0.5 + scaled) as i32
    } else {
        (0.5 + scaled) as i32
    }
}

#[cfg(test)]
mod tests {
    use super::super::filter::shape;
    use super::*;
    use crate::recipe::Filter;

    /// Protects: weights sum to one within rounding, and stay inside the input.
    #[test]
    fn sum_and_bounds() {
        for filter in [
            Filter::Box,
            Filter::Bilinear,
            Filter::Hamming,
            Filter::Bicubic,
            Filter::Lanczos,
        ] {
            for (input, output) in [(1, 1), (1, 9), (9, 1), (5, 7), (1000, 224), (37, 36)] {
                let weights = Weights::new(input, output, shape(filter).unwrap()).unwrap();
                for position in 0..output {
                    let (first, values) = weights.at(position);
                    assert!(first + values.len() <= input);
                    let sum: i64 = values.iter().map(|&v| i64::from(v)).sum();
                    assert!((sum - (1 << PRECISION_BITS)).abs() <= values.len() as i64);
                }
            }
        }
    }

    /// Protects: rounding of negative weights is away from zero.
    #[test]
    fn rounding() {
        let half = 0.5 / f64::from(1 << PRECISION_BITS);
        assert_eq!(fixed_point(half), 1);
        assert_eq!(fixed_point(-half), -1);
        assert_eq!(fixed_point(1.0), 1 << 22);
    }
}
