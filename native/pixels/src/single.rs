//! One image from memory to its crop.

use std::ops::Range;

use crate::decode::open_own;
use crate::error::PixelError;
use crate::image::{RgbImage, CHANNELS};
use crate::limits::{Cancel, Limits, Permits};
use crate::load::{load, Source, Wanted};
use crate::recipe::Recipe;
use crate::resample::Kernel;

/// The crop of a JPEG or PNG in memory, as [`crate::Loader`] makes it of a file.
///
/// `crop` has `recipe.crop_bytes()` bytes; after an error some of them may be written.
pub fn load_bytes(
    data: &[u8],
    recipe: &Recipe,
    limits: &Limits,
    kernel: Kernel,
    cancel: &Cancel,
    crop: &mut [u8],
) -> Result<(), PixelError> {
    check(recipe, crop)?;
    let permits = Permits::default();
    let mut source = open_own(data, limits, cancel, &permits)?;
    load(source.as_mut(), recipe, limits, kernel, cancel, crop)
}

/// The crop of an image that is decoded already; otherwise as [`load_bytes`].
pub fn load_image(
    image: &RgbImage,
    recipe: &Recipe,
    limits: &Limits,
    kernel: Kernel,
    cancel: &Cancel,
    crop: &mut [u8],
) -> Result<(), PixelError> {
    check(recipe, crop)?;
    let mut source = Decoded {
        image,
        wanted: Wanted::default(),
    };
    load(&mut source, recipe, limits, kernel, cancel, crop)
}

fn check(recipe: &Recipe, crop: &[u8]) -> Result<(), PixelError> {
    recipe.check()?;
    if crop.len() != recipe.crop_bytes() {
        return Err(PixelError::Internal("the crop has another size".into()));
    }
    Ok(())
}

/// An image in memory.
struct Decoded<'a> {
    image: &'a RgbImage,
    wanted: Wanted,
}

impl Source for Decoded<'_> {
    fn size(&self) -> (usize, usize) {
        (self.image.height(), self.image.width())
    }

    fn want(
        &mut self,
        rows: Range<usize>,
        columns: Range<usize>,
    ) -> Result<Range<usize>, PixelError> {
        Ok(self.wanted.set(rows, columns))
    }

    fn read(&mut self, row: &mut [u8]) -> Result<(), PixelError> {
        let y = self.wanted.next_row()?;
        let Range { start, end } = self.wanted.columns.clone();
        row.copy_from_slice(&self.image.row(y)[start * CHANNELS..end * CHANNELS]);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), PixelError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{CropRounding, Filter, LongSide, Mode};

    /// Protects: an image narrower and higher than the crop is padded and cropped at once.
    #[test]
    fn pad_and_crop_together() {
        let image = RgbImage::from_raw(1, 4, (0..12).collect()).unwrap();
        let recipe = Recipe {
            mode: Mode::None,
            size: (2, 2),
            long_side: LongSide::Floor,
            filter: Filter::Bicubic,
            crop: (2, 2),
            crop_rounding: CropRounding::Floor,
            pad: [7, 8, 9],
        };
        let (limits, cancel) = (Limits::default(), Cancel::default());
        let mut out = [0; 12];
        let crop =
            |out: &mut [u8]| load_image(&image, &recipe, &limits, Kernel::scalar(), &cancel, out);
        crop(&mut out).unwrap();
        assert_eq!(out, [7, 8, 9, 3, 4, 5, 7, 8, 9, 6, 7, 8]);
        assert_eq!(crop(&mut out[1..]).unwrap_err().kind(), "internal");
    }
}
