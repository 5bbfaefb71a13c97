//! From the bytes of a fuzz input to what is checked, one function for each kind of target.
//!
//! As [`crate::check`], shared with the test of `biobench-pixels` that replays the corpus.

use arbitrary::{Arbitrary, Result, Unstructured};
use biobench_pixels::{CropRounding, Filter, LongSide, Mode, Recipe, RgbImage};

use crate::check;

/// Largest number of pixels of a file of one format.
const OF_FORMAT: u64 = 1 << 14;

/// Largest number of pixels of a file of any format, and of its target.
const OF_ANY: u64 = 1 << 16;

/// Largest number of pixels of an image that is resized, and of its target.
const OF_RESIZE: (usize, u64) = (1 << 12, 1 << 22);

/// Bytes at the end of an input of [`any_file`] that choose the recipe.
const CHOICES: usize = 24;

/// A file of one format. Of two recipes its last byte chooses one, so that a run costs half as
/// much.
pub fn format(data: &[u8]) {
    let recipe = match data.last() {
        Some(last) if last % 2 == 1 => check::middle(),
        _ => check::usual(),
    };
    check::file(data, &recipe, &check::limits(OF_FORMAT));
}

/// Any bytes with any recipe: the format is told from the first bytes.
pub fn any_file(data: &[u8]) {
    let (file, choices) = data.split_at(data.len().saturating_sub(CHOICES));
    if let Ok(recipe) = recipe(&mut Unstructured::new(choices)) {
        check::file(file, &recipe, &check::limits(OF_ANY));
    }
}

/// Any image with any recipe.
pub fn any_resize(data: &[u8]) {
    if let Ok((image, recipe)) = image_and_recipe(&mut Unstructured::new(data)) {
        check::image(&image, &recipe, &check::limits(OF_RESIZE.1));
    }
}

/// Any recipe whose crop is small; its target may be as large as recipes permit.
fn recipe(data: &mut Unstructured) -> Result<Recipe> {
    Ok(Recipe {
        mode: *data.choose(&[Mode::None, Mode::Shortest, Mode::Longest, Mode::Squash])?,
        size: (side(data, 65_535)?, side(data, 65_535)?),
        long_side: *data.choose(&[LongSide::Floor, LongSide::HalfEven])?,
        filter: *data.choose(&[
            Filter::Nearest,
            Filter::Box,
            Filter::Bilinear,
            Filter::Hamming,
            Filter::Bicubic,
            Filter::Lanczos,
        ])?,
        crop: (side(data, 50)?, side(data, 50)?),
        crop_rounding: *data.choose(&[CropRounding::Floor, CropRounding::HalfEven])?,
        pad: <[u8; 3]>::arbitrary(data)?,
    })
}

/// A side from 1 to `largest`, small ones as likely as large ones.
fn side(data: &mut Unstructured, largest: usize) -> Result<usize> {
    let any = usize::from(u16::arbitrary(data)?);
    let kept = any >> (u8::arbitrary(data)? % 16);
    Ok(kept.clamp(1, largest))
}

fn image_and_recipe(data: &mut Unstructured) -> Result<(RgbImage, Recipe)> {
    let recipe = recipe(data)?;
    let height = side(data, OF_RESIZE.0)?;
    let width = side(data, OF_RESIZE.0 / height)?;
    let values = values(data, height * width * 3)?;
    let image = RgbImage::from_raw(width, height, values);
    Ok((image.expect("as many values as it has"), recipe))
}

/// Values from what is left of the input, then noise from a seed: as it is, or made hard edges.
fn values(data: &mut Unstructured, count: usize) -> Result<Vec<u8>> {
    let hard = bool::arbitrary(data)?;
    let mut state = u32::arbitrary(data)?;
    let stored = data.bytes(data.len())?;
    let noise = std::iter::repeat_with(move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    let edge = |value: u8| if hard { value / 128 * 255 } else { value };
    let all = stored.iter().copied().chain(noise);
    Ok(all.map(edge).take(count).collect())
}
