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
use filter::Shape;
use weights::Weights;

/// The two passes. Every kernel gives the bytes of [`scalar::KERNEL`].
struct Kernel {
    /// Reads the rows of `source` from `first_row` on; writes every row of `target`.
    horizontal: fn(source: &RgbImage, first_row: usize, weights: &Weights, target: &mut RgbImage),
    /// `weights` count rows from the first row of `source`.
    vertical: fn(source: &RgbImage, weights: &Weights, target: &mut RgbImage),
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
    if (image.height(), image.width()) == (height, width) {
        return Ok(image);
    }
    let Some(shape) = filter::shape(filter) else {
        return nearest::resize(&image, height, width);
    };
    if vertical_first(&image, height, width) {
        let vertical = Weights::new(image.height(), height, shape)?;
        let between = vertical_pass(&image, &vertical, height)?;
        drop(image);
        return horizontal_pass(between, width, 0..height, shape);
    }
    if image.height() == height {
        return horizontal_pass(image, width, 0..height, shape);
    }
    let mut vertical = Weights::new(image.height(), height, shape)?;
    let image = if image.width() == width {
        image
    } else {
        let rows = vertical.span();
        vertical.shift(rows.start);
        horizontal_pass(image, width, rows, shape)?
    };
    vertical_pass(&image, &vertical, height)
}

/// `rows` of the image in `width` columns.
fn horizontal_pass(
    image: RgbImage,
    width: usize,
    rows: Range<usize>,
    shape: Shape,
) -> Result<RgbImage, PixelError> {
    if image.width() == width {
        return Ok(image);
    }
    let weights = Weights::new(image.width(), width, shape)?;
    let mut target = RgbImage::black(width, rows.len())?;
    (kernel().horizontal)(&image, rows.start, &weights, &mut target);
    Ok(target)
}

fn vertical_pass(
    image: &RgbImage,
    weights: &Weights,
    height: usize,
) -> Result<RgbImage, PixelError> {
    let mut target = RgbImage::black(image.width(), height)?;
    (kernel().vertical)(image, weights, &mut target);
    Ok(target)
}
