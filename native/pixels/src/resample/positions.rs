//! Where the nearest pixels lie, by the running sum of Pillow's affine transform.

use std::ops::Range;

use super::weights::reserved;
use crate::error::PixelError;

/// The input position of each output position in `wanted`; `None` where the running sum has left
/// the input.
///
/// The sum is added up, step by step from the first output position: its rounding error is part of
/// the result.
pub(super) fn positions(
    input: usize,
    output: usize,
    wanted: &Range<usize>,
) -> Result<Vec<Option<usize>>, PixelError> {
    let mut found = reserved(wanted.len())?;
    let step = f64::from(input as f32) / output as f64;
    let mut place = step * 0.5;
    for index in 0..wanted.end {
        if index >= wanted.start {
            let position = place as usize;
            found.push((position < input).then_some(position));
        }
        place += step;
    }
    Ok(found)
}

/// From the first to the last input position of some output positions; they never go back.
pub(super) fn span(
    input: usize,
    output: usize,
    wanted: &Range<usize>,
) -> Result<Range<usize>, PixelError> {
    let found = positions(input, output, wanted)?;
    let first = found.iter().flatten().next().copied().unwrap_or(0);
    let end = found.iter().flatten().last().map_or(first, |last| last + 1);
    Ok(first..end)
}
