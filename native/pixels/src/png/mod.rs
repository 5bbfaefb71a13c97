//! PNG to RGB as Pillow's `convert("RGB")` gives it: alpha is dropped and not blended, 16-bit
//! colour keeps its high byte, 16-bit gray is clipped at 255.

mod chunks;
mod expand;

use std::io::Cursor;

use png::{DecodeOptions, Decoder, DecodingError, Transformations};

use crate::error::PixelError;
use crate::image::RgbImage;
use crate::limits::{Cancel, Limits};

/// Rows between two looks at the cancel flag.
const ROWS_PER_CHECK: usize = 64;

/// The pixels of a PNG. Of an animated file the default image.
pub fn decode(data: &[u8], limits: &Limits, cancel: &Cancel) -> Result<RgbImage, PixelError> {
    let head = chunks::scan(data)?;
    limits.check_pixels(head.width, head.height)?;
    let mut image = RgbImage::black(head.width as usize, head.height as usize)?;
    let palette = expand::Palette::new(&head.palette);
    // The checksums before the image data are checked by `chunks`; Pillow does not check the
    // others, and the compressed stream has one of its own.
    let mut options = DecodeOptions::default();
    options.set_ignore_crc(true);
    options.set_ignore_text_chunk(true);
    options.set_ignore_iccp_chunk(true);
    let mut decoder = Decoder::new_with_options(Cursor::new(data), options);
    decoder.set_transformations(Transformations::IDENTITY);
    let mut reader = decoder.read_info().map_err(refuse)?;
    let mut stored = Vec::new();
    if head.interlaced {
        let length = reader.output_buffer_size().ok_or(PixelError::Memory)?;
        stored
            .try_reserve_exact(length)
            .map_err(|_| PixelError::Memory)?;
        stored.resize(length, 0);
        let info = reader.next_frame(&mut stored).map_err(refuse)?;
        for (y, row) in stored.chunks_exact(info.line_size).enumerate() {
            expand::row(head.layout, row, &palette, image.row_mut(y));
        }
        return Ok(image);
    }
    for y in 0..image.height() {
        if y % ROWS_PER_CHECK == 0 {
            cancel.check()?;
        }
        let row = reader
            .next_row()
            .map_err(refuse)?
            .ok_or(PixelError::Truncated)?;
        expand::row(head.layout, row.data(), &palette, image.row_mut(y));
    }
    Ok(image)
}

fn refuse(error: DecodingError) -> PixelError {
    match error {
        DecodingError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            PixelError::Truncated
        }
        DecodingError::LimitsExceeded => PixelError::Memory,
        other => PixelError::Corrupt(other.to_string()),
    }
}
