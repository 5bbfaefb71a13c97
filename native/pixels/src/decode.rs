//! One file, or its bytes, to RGB.

use std::mem;
use std::path::Path;

use crate::error::PixelError;
use crate::external::{self, ExternalDecoder};
use crate::files::read_file;
use crate::format::{sniff, Format};
use crate::image::RgbImage;
use crate::limits::{Cancel, Limits, Permits};
use crate::load::Source;
use crate::{jpeg, png};

/// The rows of an image file in memory, as Pillow's `convert("RGB")` gives them. Bytes of a format that
/// `decoder` reads are given away to it.
pub(crate) fn open<'a>(
    decoder: Option<&dyn ExternalDecoder>,
    data: &'a mut Vec<u8>,
    limits: &Limits,
    cancel: &'a Cancel,
    permits: &'a Permits,
) -> Result<Box<dyn Source + 'a>, PixelError> {
    match (sniff(data)?, decoder) {
        (Format::External(name), Some(decoder)) if decoder.reads(name) => {
            let data = mem::take(data);
            let reader = external::Reader::open(decoder, data, limits, cancel, permits)?;
            Ok(Box::new(reader))
        }
        _ => open_own(data, limits, cancel, permits),
    }
}

/// [`open`] of a format that this crate reads.
pub(crate) fn open_own<'a>(
    data: &'a [u8],
    limits: &Limits,
    cancel: &'a Cancel,
    permits: &'a Permits,
) -> Result<Box<dyn Source + 'a>, PixelError> {
    Ok(match sniff(data)? {
        Format::Jpeg => Box::new(jpeg::Reader::open(data, limits, cancel, permits)?),
        Format::Png => Box::new(png::Reader::open(data, limits, cancel, permits)?),
        Format::External(name) => return Err(PixelError::UnsupportedFormat(name)),
    })
}

/// All pixels of a JPEG or PNG in memory, as Pillow's `convert("RGB")` gives them. The orientation of
/// an EXIF block is not applied. This is the plain way that [`crate::load_bytes`] and
/// [`crate::Loader`] are checked against.
pub fn decode_bytes(data: &[u8], limits: &Limits, cancel: &Cancel) -> Result<RgbImage, PixelError> {
    let permits = Permits::default();
    let mut source = open_own(data, limits, cancel, &permits)?;
    whole(source.as_mut(), cancel)
}

/// [`decode_bytes`], also of the formats that `decoder` reads.
pub(crate) fn decode_with(
    decoder: Option<&dyn ExternalDecoder>,
    mut data: Vec<u8>,
    limits: &Limits,
    cancel: &Cancel,
) -> Result<RgbImage, PixelError> {
    let permits = Permits::default();
    let mut source = open(decoder, &mut data, limits, cancel, &permits)?;
    whole(source.as_mut(), cancel)
}

fn whole(source: &mut dyn Source, cancel: &Cancel) -> Result<RgbImage, PixelError> {
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
    decoder: Option<&dyn ExternalDecoder>,
    limits: &Limits,
    cancel: &Cancel,
) -> Result<RgbImage, PixelError> {
    decode_with(decoder, read_file(path, limits)?.data, limits, cancel)
}
