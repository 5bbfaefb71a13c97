//! Sizes and offsets: from an image's sides to the target of a resize and the place of a crop.

use std::ops::Range;

use crate::error::PixelError;
use crate::image::CHANNELS;
use crate::limits::Limits;
use crate::recipe::{CropRounding, LongSide, Mode, Recipe};
use crate::resample::Part;

/// (height, width) to which an image of `height` x `width` is resized. No side falls below 1.
///
/// With `floor` the fixed side becomes `size.0` and the other is the integer quotient. With
/// `half-even` both sides are divided by one float64 ratio, the larger (`longest`) or smaller
/// (`shortest`) of `height / size.0` and `width / size.1`, so that a target need not be square.
pub fn target_size(recipe: &Recipe, height: usize, width: usize) -> (usize, usize) {
    match (recipe.mode, recipe.long_side) {
        (Mode::None, _) => (height, width),
        (Mode::Squash, _) => recipe.size,
        (Mode::Shortest, LongSide::Floor) => {
            scale_to(recipe.size.0, height, width, height.min(width))
        }
        (Mode::Longest, LongSide::Floor) => {
            scale_to(recipe.size.0, height, width, height.max(width))
        }
        (mode, LongSide::HalfEven) => {
            let vertical = height as f64 / recipe.size.0 as f64;
            let horizontal = width as f64 / recipe.size.1 as f64;
            let ratio = match mode {
                Mode::Longest => vertical.max(horizontal),
                _ => vertical.min(horizontal),
            };
            let side = |length: usize| ((length as f64 / ratio).round_ties_even() as usize).max(1);
            (side(height), side(width))
        }
    }
}

/// Both sides times `size / reference`, rounded down. One of the sides is the reference.
fn scale_to(size: usize, height: usize, width: usize, reference: usize) -> (usize, usize) {
    let side = |length: usize| (size * length / reference).max(1);
    (side(height), side(width))
}

/// First image row or column of a crop; negative where padding comes first.
pub fn crop_offset(rounding: CropRounding, image: usize, crop: usize) -> i64 {
    let difference = image as i64 - crop as i64;
    match rounding {
        CropRounding::Floor => difference.div_euclid(2),
        CropRounding::HalfEven if difference < 0 => -(-difference / 2),
        CropRounding::HalfEven => {
            let half = difference / 2;
            // An odd difference is a tie: it goes to the even neighbour.
            half + i64::from(difference % 2 == 1 && half % 2 == 1)
        }
    }
}

/// The image rows or columns that a crop shows. A centre crop shows at least one.
fn visible(offset: i64, image: usize, crop: usize) -> Range<usize> {
    let end = (offset + crop as i64).min(image as i64);
    offset.max(0) as usize..end as usize
}

/// Where the pixels of one image come from and go to.
#[derive(Debug)]
pub(crate) struct Placement {
    /// What the crop shows of the resized image.
    pub part: Part,
    /// Rows of padding above the part, columns before it.
    above: usize,
    before: usize,
}

impl Placement {
    /// For an image of `height` x `width`. A target over the limit of pixels is refused.
    pub fn new(
        recipe: &Recipe,
        height: usize,
        width: usize,
        limits: &Limits,
    ) -> Result<Self, PixelError> {
        let target = target_size(recipe, height, width);
        limits.check_target(target.1, target.0)?;
        let top = crop_offset(recipe.crop_rounding, target.0, recipe.crop.0);
        let left = crop_offset(recipe.crop_rounding, target.1, recipe.crop.1);
        Ok(Self {
            part: Part {
                source: (height, width),
                target,
                filter: recipe.filter,
                rows: visible(top, target.0, recipe.crop.0),
                columns: visible(left, target.1, recipe.crop.1),
            },
            above: (-top).max(0) as usize,
            before: (-left).max(0) as usize,
        })
    }
}

/// The output of one item, filled with the rows of a part.
pub(crate) struct Canvas<'a> {
    rows: std::iter::Skip<std::slice::ChunksExactMut<'a, u8>>,
    bytes: Range<usize>,
}

impl<'a> Canvas<'a> {
    /// `out` has `crop.0 * crop.1 * 3` bytes; where the part does not reach it becomes `pad`.
    pub fn new(recipe: &Recipe, placement: &Placement, out: &'a mut [u8]) -> Self {
        let shown = (placement.part.rows.len(), placement.part.columns.len());
        if shown != recipe.crop {
            for pixel in out.chunks_exact_mut(CHANNELS) {
                pixel.copy_from_slice(&recipe.pad);
            }
        }
        let start = placement.before * CHANNELS;
        Self {
            rows: out
                .chunks_exact_mut(recipe.crop.1 * CHANNELS)
                .skip(placement.above),
            bytes: start..start + shown.1 * CHANNELS,
        }
    }

    /// Writes the next row of the part.
    pub fn put(&mut self, row: &[u8]) -> Result<(), PixelError> {
        let to = self.rows.next();
        let to = to.ok_or_else(|| PixelError::Internal("a row below the crop".into()))?;
        to[self.bytes.clone()].copy_from_slice(row);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::Filter;

    fn recipe(mode: Mode, long_side: LongSide, size: (usize, usize)) -> Recipe {
        Recipe {
            mode,
            size,
            long_side,
            filter: Filter::Bicubic,
            crop: (2, 2),
            crop_rounding: CropRounding::Floor,
            pad: [7, 8, 9],
        }
    }

    /// Protects: the free side is an exact integer quotient, also where it falls just below.
    #[test]
    fn floor_is_exact() {
        let shortest = recipe(Mode::Shortest, LongSide::Floor, (224, 224));
        assert_eq!(target_size(&shortest, 500, 333), (336, 224));
        assert_eq!(target_size(&shortest, 333, 500), (224, 336));
        let longest = recipe(Mode::Longest, LongSide::Floor, (224, 224));
        assert_eq!(target_size(&longest, 500, 333), (224, 149));
        assert_eq!(target_size(&longest, 1, 10_000), (1, 224));
    }

    /// Protects: ties of the free side go to the even number.
    #[test]
    fn half_even_ties() {
        let longest = recipe(Mode::Longest, LongSide::HalfEven, (10, 10));
        assert_eq!(target_size(&longest, 20, 5), (10, 2));
        assert_eq!(target_size(&longest, 20, 7), (10, 4));
    }

    /// Protects: the two rules for offsets, for cropping and for padding.
    #[test]
    fn offsets() {
        use CropRounding::{Floor, HalfEven};
        let floor: Vec<i64> = (0..8).map(|image| crop_offset(Floor, image, 4)).collect();
        assert_eq!(floor, [-2, -2, -1, -1, 0, 0, 1, 1]);
        let even: Vec<i64> = (0..12).map(|i| crop_offset(HalfEven, i, 4)).collect();
        assert_eq!(even, [-2, -1, -1, 0, 0, 0, 1, 2, 2, 2, 3, 4]);
    }

    /// Protects: memory. The target counts against the limit, to the pixel, whatever the filter.
    #[test]
    fn target_is_limited() {
        for filter in [Filter::Nearest, Filter::Bicubic] {
            let recipe = Recipe {
                filter,
                ..recipe(Mode::Shortest, LongSide::Floor, (20, 20))
            };
            let limits = |max_pixels| Limits {
                max_pixels,
                ..Limits::default()
            };
            Placement::new(&recipe, 100, 1, &limits(40_000)).unwrap();
            assert!(matches!(
                Placement::new(&recipe, 100, 1, &limits(39_999)),
                Err(PixelError::TooLarge { found: 40_000, .. })
            ));
            assert!(matches!(
                Placement::new(&recipe, 50_000_000, 1, &Limits::default()),
                Err(PixelError::TooLarge { .. })
            ));
        }
    }
}
