//! The nearest pixel, by the running sum of Pillow's affine transform.

use crate::error::PixelError;
use crate::image::{RgbImage, CHANNELS};

/// The input position of each output position; `None` where the running sum has left the input.
///
/// The sum is added up, step by step: its rounding error is part of the result.
fn positions(input: usize, output: usize) -> Vec<Option<usize>> {
    let step = f64::from(input as f32) / output as f64;
    let mut place = step * 0.5;
    let mut found = Vec::with_capacity(output);
    for _ in 0..output {
        let position = place as usize;
        found.push((position < input).then_some(position));
        place += step;
    }
    found
}

pub(super) fn resize(
    image: &RgbImage,
    height: usize,
    width: usize,
) -> Result<RgbImage, PixelError> {
    let columns = positions(image.width(), width);
    let mut target = RgbImage::black(width, height)?;
    for (y, source_row) in positions(image.height(), height).into_iter().enumerate() {
        let Some(source_row) = source_row else {
            continue;
        };
        let from = image.row(source_row);
        for (pixel, column) in target.row_mut(y).chunks_exact_mut(CHANNELS).zip(&columns) {
            if let Some(x) = column {
                pixel.copy_from_slice(&from[x * CHANNELS..][..CHANNELS]);
            }
        }
    }
    Ok(target)
}
