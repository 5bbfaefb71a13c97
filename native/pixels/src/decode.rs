//! One file, or its bytes, to RGB.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::error::PixelError;
use crate::format::{sniff, Format};
use crate::image::RgbImage;
use crate::limits::{Cancel, Limits};
use crate::{jpeg, png};

/// The pixels of a JPEG or PNG in memory, as Pillow's `convert("RGB")` gives them.
/// An EXIF orientation is not applied.
pub fn decode_bytes(data: &[u8], limits: &Limits, cancel: &Cancel) -> Result<RgbImage, PixelError> {
    match sniff(data)? {
        Format::Jpeg => jpeg::decode(data, limits, cancel),
        Format::Png => png::decode(data, limits, cancel),
    }
}

/// [`decode_bytes`] of a file.
pub fn decode_file(path: &Path, limits: &Limits, cancel: &Cancel) -> Result<RgbImage, PixelError> {
    decode_bytes(&read_file(path, limits)?, limits, cancel)
}

/// The whole file. What is not a regular file (a folder, a pipe that never ends) is refused.
fn read_file(path: &Path, limits: &Limits) -> Result<Vec<u8>, PixelError> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(PixelError::Io(std::io::Error::other("not a regular file")));
    }
    limits.check_file(metadata.len())?;
    let mut data = Vec::new();
    let expected = usize::try_from(metadata.len()).map_err(|_| PixelError::Memory)?;
    data.try_reserve_exact(expected + 1)
        .map_err(|_| PixelError::Memory)?;
    // The file may grow while it is read: one byte more than the limit shows it.
    File::open(path)?
        .take(limits.max_file_bytes + 1)
        .read_to_end(&mut data)?;
    limits.check_file(data.len() as u64)?;
    Ok(data)
}
