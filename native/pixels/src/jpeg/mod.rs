//! JPEG to RGB with libjpeg-turbo: integer "islow" transform, fancy upsampling, as Pillow calls it.

mod header;
mod shim;

use crate::color::{gray_to_rgb, inverted_cmyk_to_rgb};
use crate::error::PixelError;
use crate::image::RgbImage;
use crate::limits::{Cancel, Limits};

pub use shim::{has_simd, library_version};

/// Rows between two looks at the cancel flag.
const ROWS_PER_CHECK: usize = 64;

/// The pixels of a JPEG. Of a file with several images (MPO) the first one.
pub fn decode(data: &[u8], limits: &Limits, cancel: &Cancel) -> Result<RgbImage, PixelError> {
    let frame = header::scan(data)?;
    limits.check_pixels(frame.width, frame.height)?;
    let mut decoder = shim::Decoder::open(data, limits.max_scans, cancel)?;
    let header = decoder.read_header()?;
    if (header.width, header.height, header.components)
        != (frame.width, frame.height, frame.components)
    {
        return Err(PixelError::Corrupt(
            "two frame headers contradict each other".into(),
        ));
    }
    decoder.start()?;
    let mut image = RgbImage::black(frame.width as usize, frame.height as usize)?;
    let mut stored = vec![0; frame.width as usize * frame.components as usize];
    for y in 0..image.height() {
        if y % ROWS_PER_CHECK == 0 {
            cancel.check()?;
        }
        match frame.components {
            3 => decoder.read_row(image.row_mut(y))?,
            1 => {
                decoder.read_row(&mut stored)?;
                gray_to_rgb(&stored, image.row_mut(y));
            }
            _ => {
                decoder.read_row(&mut stored)?;
                inverted_cmyk_to_rgb(&stored, image.row_mut(y));
            }
        }
    }
    match decoder.finish() {
        // The rows are complete: a missing end marker costs nothing.
        Ok(()) | Err(PixelError::Truncated) => Ok(image),
        Err(error) => Err(error),
    }
}
