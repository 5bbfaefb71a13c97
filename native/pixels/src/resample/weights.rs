//! The integer weights of one pass.

use std::ops::Range;

use super::filter::Shape;
use crate::error::PixelError;

/// Bits after the point of a weight: 32 less 8 of the value, less 2 against overflow.
pub(super) const PRECISION_BITS: u32 = 32 - 8 - 2;

/// Weights that are held at once where that is more than one position: 32 MiB of them, which is
/// enough for all of a side of a million pixels.
const HELD: usize = 1 << 23;

/// One pass: which input positions an output position draws on, and how much on each.
#[derive(Clone, Copy)]
pub(super) struct Pass {
    input: usize,
    scale: f64,
    filter_scale: f64,
    support: f64,
    value: fn(f64) -> f64,
}

impl Pass {
    /// The pass from `input` positions to `output`. Both are at least 1.
    pub fn new(input: usize, output: usize, shape: Shape) -> Self {
        // The length passes through single precision: Pillow keeps its box in floats.
        let scale = f64::from(input as f32) / output as f64;
        let filter_scale = scale.max(1.0);
        Self {
            input,
            scale,
            filter_scale,
            support: shape.support * filter_scale,
            value: shape.value,
        }
    }

    fn centre(&self, position: usize) -> f64 {
        (position as f64 + 0.5) * self.scale
    }

    /// The input positions that an output position draws on.
    pub fn window(&self, position: usize) -> Range<usize> {
        let centre = self.centre(position);
        // The casts truncate towards zero and clamp negative values to zero.
        // Past 2^24 the rounded length may exceed the input: the last positions draw on nothing.
        let first = ((centre - self.support + 0.5) as usize).min(self.input);
        first..((centre + self.support + 0.5) as usize).min(self.input)
    }

    /// The input positions that any of some output positions, at least one, draws on.
    pub fn span(&self, positions: &Range<usize>) -> Range<usize> {
        self.window(positions.start).start..self.window(positions.end - 1).end
    }

    /// Largest number of weights of one position.
    pub fn longest(&self) -> usize {
        (self.support.ceil() as usize * 2 + 1).min(self.input)
    }

    /// Splits output positions so that the weights of a part take little memory, whatever the
    /// length of the input.
    pub fn parts(&self, positions: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let length = (HELD / self.longest()).max(1);
        let end = positions.end;
        positions
            .step_by(length)
            .map(move |start| start..end.min(start + length))
    }

    /// Appends the weights of one output position to `values` and returns its window. `exact` is
    /// room for the work.
    pub fn add(
        &self,
        position: usize,
        exact: &mut Vec<f64>,
        values: &mut Vec<i32>,
    ) -> Range<usize> {
        let centre = self.centre(position);
        let window = self.window(position);
        let inverse = 1.0 / self.filter_scale;
        exact.clear();
        let mut total = 0.0;
        for x in window.clone() {
            let weight = (self.value)((x as f64 - centre + 0.5) * inverse);
            exact.push(weight);
            total += weight;
        }
        values.extend(
            exact
                .iter()
                .map(|&weight| fixed_point(if total == 0.0 { weight } else { weight / total })),
        );
        window
    }

    /// The weights of some output positions, with input positions counted from `origin`.
    pub fn weights(&self, positions: Range<usize>, origin: usize) -> Result<Weights, PixelError> {
        let stride = self.longest();
        let count = stride
            .checked_mul(positions.len())
            .ok_or(PixelError::Memory)?;
        let mut values = reserved(count)?;
        let mut bounds = reserved(positions.len())?;
        let mut exact = reserved(stride)?;
        for (index, position) in positions.enumerate() {
            let window = self.add(position, &mut exact, &mut values);
            bounds.push((window.start - origin, window.len()));
            values.resize((index + 1) * stride, 0);
        }
        let extremes = (
            values.iter().copied().min().unwrap_or(0),
            values.iter().copied().max().unwrap_or(0),
        );
        Ok(Weights {
            stride,
            bounds,
            values,
            extremes,
        })
    }
}

/// An empty vector with room for `length` elements.
pub(super) fn reserved<T>(length: usize) -> Result<Vec<T>, PixelError> {
    let mut vector = Vec::new();
    vector
        .try_reserve_exact(length)
        .map_err(|_| PixelError::Memory)?;
    Ok(vector)
}

/// For consecutive output positions, the input positions that each draws on and their weights.
pub(super) struct Weights {
    /// Weights reserved for each output position.
    stride: usize,
    /// First input position and number of weights.
    bounds: Vec<(usize, usize)>,
    values: Vec<i32>,
    /// The smallest and the largest weight.
    extremes: (i32, i32),
}

impl Weights {
    /// Whether every weight lies in `range`.
    pub fn are_in(&self, range: &Range<i32>) -> bool {
        range.contains(&self.extremes.0) && range.contains(&self.extremes.1)
    }

    /// Number of output positions.
    pub fn len(&self) -> usize {
        self.bounds.len()
    }

    /// First input position and weights of an output position, counted from the first one here.
    pub fn at(&self, index: usize) -> (usize, &[i32]) {
        let (first, count) = self.bounds[index];
        (first, &self.values[index * self.stride..][..count])
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
                let pass = Pass::new(input, output, shape(filter).unwrap());
                let weights = pass.weights(0..output, 0).unwrap();
                for position in 0..output {
                    let (first, values) = weights.at(position);
                    assert!(first + values.len() <= input);
                    let sum: i64 = values.iter().map(|&v| i64::from(v)).sum();
                    assert!((sum - (1 << PRECISION_BITS)).abs() <= values.len() as i64);
                }
            }
        }
    }

    /// Protects: weights made in parts, counted from another origin, are those made at once.
    #[test]
    fn parts() {
        let pass = Pass::new(20_000_000, 9, shape(Filter::Box).unwrap());
        let whole = pass.weights(2..9, 0).unwrap();
        let mut index = 0;
        for part in pass.parts(2..9) {
            let origin = pass.span(&part).start;
            let weights = pass.weights(part.clone(), origin).unwrap();
            assert!(weights.len() < whole.len());
            for inner in 0..weights.len() {
                let (first, values) = weights.at(inner);
                assert_eq!((first + origin, values), whole.at(index));
                assert_eq!(index + 2, part.start + inner);
                index += 1;
            }
        }
        assert_eq!(index, whole.len());
    }

    /// Protects: a length that no memory holds is an error.
    #[test]
    fn no_memory() {
        assert!(matches!(
            reserved::<u64>(usize::MAX / 8),
            Err(PixelError::Memory)
        ));
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
