//! Resize with Pillow 13's integer arithmetic (SPEC.md, section "Resize").
//!
//! A convolution in two passes, horizontal then vertical, with 22-bit weights and uint8 between
//! the passes. [`scalar`] is the definition. Faster kernels are its twins, chosen in [`kernel`].

mod filter;
mod nearest;
mod scalar;
mod weights;

use crate::error::PixelError;
use crate::image::RgbImage;
use crate::recipe::Filter;
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
    let vertical_needed = image.height() != height;
    let mut vertical = Weights::new(image.height(), height, shape)?;
    let rows = vertical.span();
    let image = if image.width() == width {
        image
    } else {
        let horizontal = Weights::new(image.width(), width, shape)?;
        let mut between = RgbImage::black(width, rows.len())?;
        (kernel().horizontal)(&image, rows.start, &horizontal, &mut between);
        vertical.shift(rows.start);
        between
    };
    // Without a vertical change the span is the whole height: the first pass gave the result.
    if !vertical_needed {
        return Ok(image);
    }
    let mut target = RgbImage::black(width, height)?;
    (kernel().vertical)(&image, &vertical, &mut target);
    Ok(target)
}
