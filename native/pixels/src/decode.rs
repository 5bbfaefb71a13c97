//! One file, or its bytes, to RGB.

use std::path::Path;

use crate::error::PixelError;
use crate::files::read_file;
use crate::foreign::{self, ForeignDecoder};
use crate::format::{sniff, Format};
use crate::image::RgbImage;
use crate::limits::{Cancel, Limits, Turns};
use crate::load::Source;
use crate::{jpeg, png};

/// The rows of an image file in memory, as Pillow's `convert("RGB")` gives them.
pub(crate) fn open<'a>(
    decoder: Option<&'a dyn ForeignDecoder>,
    data: &'a [u8],
    limits: &Limits,
    cancel: &'a Cancel,
    turns: &'a Turns,
) -> Result<Box<dyn Source + 'a>, PixelError> {
    Ok(match sniff(data)? {
        Format::Jpeg => Box::new(jpeg::Reader::open(data, limits, cancel, turns)?),
        Format::Png => Box::new(png::Reader::open(data, limits, cancel, turns)?),
        Format::Foreign(name) => {
            let decoder = decoder.filter(|decoder| decoder.reads(name));
            let decoder = decoder.ok_or(PixelError::UnsupportedFormat(name))?;
            Box::new(foreign::Reader::open(decoder, data, limits, cancel, turns)?)
        }
    })
}

/// All pixels of a JPEG or PNG in memory, as Pillow's `convert("RGB")` gives them. The orientation of
/// an EXIF block is not applied. This is the plain way that [`crate::load_bytes`] and
/// [`crate::Loader`] are checked against.
pub fn decode_bytes(data: &[u8], limits: &Limits, cancel: &Cancel) -> Result<RgbImage, PixelError> {
    decode_with(None, data, limits, cancel)
}

/// [`decode_bytes`], also of the formats that `decoder` reads.
pub(crate) fn decode_with(
    decoder: Option<&dyn ForeignDecoder>,
    data: &[u8],
    limits: &Limits,
    cancel: &Cancel,
) -> Result<RgbImage, PixelError> {
    let turns = Turns::default();
    let mut source = open(decoder, data, limits, cancel, &turns)?;
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

/// [`decode_bytes`] of a file, also of the formats that `decoder` reads.
pub fn decode_file(
    path: &Path,
    decoder: Option<&dyn ForeignDecoder>,
    limits: &Limits,
    cancel: &Cancel,
) -> Result<RgbImage, PixelError> {
    decode_with(decoder, &read_file(path, limits)?.data, limits, cancel)
}
