//! The nearest pixel, by the running sum of Pillow's affine transform.

use std::ops::Range;

use super::weights::reserved;
use crate::error::PixelError;
use crate::image::{RgbImage, CHANNELS};

/// The input position of each output position in `wanted`; `None` where the running sum has left
/// the input.
///
/// The sum is added up, step by step from the first output position: its rounding error is part of
/// the result.
fn positions(
    input: usize,
    output: usize,
    wanted: Range<usize>,
) -> Result<Vec<Option<usize>>, PixelError> {
    let step = f64::from(input as f32) / output as f64;
    let mut place = step * 0.5;
    let mut found = reserved(wanted.len())?;
    for index in 0..wanted.end {
        if index >= wanted.start {
            let position = place as usize;
            found.push((position < input).then_some(position));
        }
        place += step;
    }
    Ok(found)
}

/// `rows` and `columns` of the image in `height` x `width`.
pub(super) fn resize(
    image: &RgbImage,
    height: usize,
    width: usize,
    rows: Range<usize>,
    columns: Range<usize>,
) -> Result<RgbImage, PixelError> {
    let mut target = RgbImage::black(columns.len(), rows.len())?;
    let columns = positions(image.width(), width, columns)?;
    let rows = positions(image.height(), height, rows)?;
    for (y, source_row) in rows.into_iter().enumerate() {
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
