//! One file, or its bytes, to RGB.

use std::path::Path;

use crate::error::PixelError;
use crate::files::read_file;
use crate::format::{sniff, Format};
use crate::image::RgbImage;
use crate::limits::{Cancel, Limits, Turns};
use crate::load::Source;
use crate::{bmp, gif, jpeg, png, tiff, webp};

/// The rows of an image file in memory, as Pillow's `convert("RGB")` gives them.
pub(crate) fn open<'a>(
    data: &'a [u8],
    limits: &Limits,
    cancel: &'a Cancel,
    turns: &'a Turns,
) -> Result<Box<dyn Source + 'a>, PixelError> {
    open_as(sniff(data)?, data, limits, cancel, turns)
}

fn open_as<'a>(
    format: Format,
    data: &'a [u8],
    limits: &Limits,
    cancel: &'a Cancel,
    turns: &'a Turns,
) -> Result<Box<dyn Source + 'a>, PixelError> {
    Ok(match format {
        Format::Jpeg => Box::new(jpeg::Reader::open(data, limits, cancel, turns)?),
        Format::Png => Box::new(png::Reader::open(data, limits, cancel, turns)?),
        Format::WebP => webp::open(data, limits, cancel, turns)?,
        Format::Gif => gif::open(data, limits, cancel, turns)?,
        Format::Bmp => bmp::open(data, limits, cancel, turns)?,
        Format::Tiff => tiff::open(data, limits, cancel, turns)?,
    })
}

/// All pixels of an image file in memory, as Pillow's `convert("RGB")` gives them. The orientation
/// that a TIFF states is applied, for Pillow does so; that of an EXIF block is not. This is the plain
/// way that [`crate::load_bytes`] and [`crate::Loader`] are checked against.
pub fn decode_bytes(data: &[u8], limits: &Limits, cancel: &Cancel) -> Result<RgbImage, PixelError> {
    whole(sniff(data)?, data, limits, cancel)
}

fn whole(
    format: Format,
    data: &[u8],
    limits: &Limits,
    cancel: &Cancel,
) -> Result<RgbImage, PixelError> {
    let turns = Turns::default();
    let mut source = open_as(format, data, limits, cancel, &turns)?;
    source.read_as_defined();
    let (height, width) = source.size();
    let mut image = RgbImage::black(width, height)?;
    source.want(0..height, 0..width)?;
    for y in 0..height {
        if y % ROWS_PER_CHECK == 0 {
            cancel.check()?;
        }
        source.read(image.row_mut(y))?;
    }
    source.finish()?;
    Ok(image)
}

/// Rows between two looks at the cancel flag.
const ROWS_PER_CHECK: usize = 64;

/// [`decode_bytes`] of a file.
pub fn decode_file(path: &Path, limits: &Limits, cancel: &Cancel) -> Result<RgbImage, PixelError> {
    decode_bytes(&read_file(path, limits)?.data, limits, cancel)
}
