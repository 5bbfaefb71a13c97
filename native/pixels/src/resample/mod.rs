//! Resize with Pillow 13's integer arithmetic (SPEC.md, section "Resize").
//!
//! A convolution in two passes with 22-bit weights and uint8 between the passes: horizontal first,
//! unless the height shrinks much more than the width. [`scalar`] is the definition. Faster kernels are its twins, chosen in [`kernel`].

mod filter;
mod nearest;
mod scalar;
mod weights;

use std::ops::Range;

use crate::error::PixelError;
use crate::image::RgbImage;
use crate::recipe::Filter;
use weights::{Pass, Weights};

/// The two passes. Every kernel gives the bytes of [`scalar::KERNEL`].
struct Kernel {
    /// Reads the rows of `source` from `first_row` on; writes every row of `target`, of each the
    /// columns from `first_column` on for which there are weights.
    horizontal: fn(
        source: &RgbImage,
        first_row: usize,
        weights: &Weights,
        target: &mut RgbImage,
        first_column: usize,
    ),
    /// `weights` count rows from the first row of `source`. Writes the rows of `target` from
    /// `first_row` on for which there are weights.
    vertical: fn(source: &RgbImage, weights: &Weights, target: &mut RgbImage, first_row: usize),
}

/// The fastest kernel that this machine has.
fn kernel() -> &'static Kernel {
    &scalar::KERNEL
}

/// Whether the vertical pass comes first: where it takes away more than twice as many rows as the
/// horizontal one takes away columns. The order changes bytes, for both passes round to uint8.
fn vertical_first(image: &RgbImage, height: usize, width: usize) -> bool {
    let rows = image.height() as i64 - height as i64;
    let columns = image.width() as i64 - width as i64;
    rows > 0 && rows > 2 * columns
}

/// The image in `height` x `width`. A side that keeps its length is not filtered.
pub fn resize(
    image: RgbImage,
    height: usize,
    width: usize,
    filter: Filter,
) -> Result<RgbImage, PixelError> {
    resize_part(image, height, width, filter, 0..height, 0..width)
}

/// `rows` and `columns`, at least one of each, of what [`resize`] gives. No more than they need is
/// computed or held: the rest of a target may be thousands of times as large.
pub(crate) fn resize_part(
    image: RgbImage,
    height: usize,
    width: usize,
    filter: Filter,
    rows: Range<usize>,
    columns: Range<usize>,
) -> Result<RgbImage, PixelError> {
    if (image.height(), image.width()) == (height, width) {
        return image.part(rows, columns);
    }
    let Some(shape) = filter::shape(filter) else {
        return nearest::resize(&image, height, width, rows, columns);
    };
    let horizontal = Pass::new(image.width(), width, shape);
    let vertical = Pass::new(image.height(), height, shape);
    let (filter_rows, filter_columns) = (image.height() != height, image.width() != width);
    if filter_rows && vertical_first(&image, height, width) {
        let between = vertical_pass(&image, &vertical, rows, 0)?;
        drop(image);
        let rows = 0..between.height();
        return if filter_columns {
            horizontal_pass(&between, &horizontal, rows, columns)
        } else {
            between.part(rows, columns)
        };
    }
    let source_rows = if filter_rows {
        vertical.span(&rows)
    } else {
        rows.clone()
    };
    let first_row = source_rows.start;
    let between = if filter_columns {
        let between = horizontal_pass(&image, &horizontal, source_rows, columns)?;
        drop(image);
        between
    } else {
        image.part(source_rows, columns)?
    };
    if filter_rows {
        vertical_pass(&between, &vertical, rows, first_row)
    } else {
        Ok(between)
    }
}

/// `rows` of the image, and of them what `columns` of the output are.
fn horizontal_pass(
    image: &RgbImage,
    pass: &Pass,
    rows: Range<usize>,
    columns: Range<usize>,
) -> Result<RgbImage, PixelError> {
    let mut target = RgbImage::black(columns.len(), rows.len())?;
    let first_column = columns.start;
    for part in pass.parts(columns) {
        let place = part.start - first_column;
        (kernel().horizontal)(
            image,
            rows.start,
            &pass.weights(part, 0)?,
            &mut target,
            place,
        );
    }
    Ok(target)
}

/// `rows` of the output. The first row of `image` is row `first_row` of the pass's input.
fn vertical_pass(
    image: &RgbImage,
    pass: &Pass,
    rows: Range<usize>,
    first_row: usize,
) -> Result<RgbImage, PixelError> {
    let mut target = RgbImage::black(image.width(), rows.len())?;
    let first_target = rows.start;
    for part in pass.parts(rows) {
        let place = part.start - first_target;
        (kernel().vertical)(image, &pass.weights(part, first_row)?, &mut target, place);
    }
    Ok(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(height: usize, width: usize) -> RgbImage {
        let bytes = (0..height * width * 3).map(|i| (i * i % 251 + i % 5) as u8);
        RgbImage::from_raw(width, height, bytes.collect()).unwrap()
    }

    /// Protects: a part has the bytes of the whole, for every order and omission of the passes.
    #[test]
    fn parts_are_exact() {
        let sizes = [1, 4, 9, 23];
        for filter in [
            Filter::Nearest,
            Filter::Box,
            Filter::Bilinear,
            Filter::Hamming,
            Filter::Bicubic,
            Filter::Lanczos,
        ] {
            for (from_height, from_width) in [(9, 9), (23, 4), (4, 23), (1, 9), (9, 1)] {
                let image = pattern(from_height, from_width);
                for height in sizes {
                    for width in sizes {
                        let whole = resize(image.clone(), height, width, filter).unwrap();
                        for (rows, columns) in [
                            (0..height, 0..width),
                            (height / 3..height - height / 4, width / 4..width / 2 + 1),
                            (height - 1..height, 0..1),
                        ] {
                            let part = resize_part(
                                image.clone(),
                                height,
                                width,
                                filter,
                                rows.clone(),
                                columns.clone(),
                            );
                            assert_eq!(
                                part.unwrap(),
                                whole.clone().part(rows, columns).unwrap(),
                                "{filter:?}, {from_height} x {from_width} to {height} x {width}"
                            );
                        }
                    }
                }
            }
        }
    }

    /// Protects: a row longer than a block of the vertical pass, and a target without memory.
    #[test]
    fn long_rows_and_no_memory() {
        let one = pattern(8, 1);
        let wide = resize(one.clone(), 8, 5000, Filter::Nearest).unwrap();
        let column = resize(one.clone(), 3, 1, Filter::Bicubic).unwrap();
        let shrunk = resize(wide, 3, 5000, Filter::Bicubic).unwrap();
        for y in 0..3 {
            for pixel in shrunk.row(y).chunks_exact(3) {
                assert_eq!(pixel, column.row(y));
            }
        }
        for filter in [Filter::Nearest, Filter::Box] {
            assert!(matches!(
                resize(one.clone(), 1 << 62, 1, filter),
                Err(PixelError::Memory)
            ));
        }
    }
}
