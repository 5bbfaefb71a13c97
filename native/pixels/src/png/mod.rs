//! PNG to RGB as Pillow's `convert("RGB")` gives it: alpha is dropped and not blended, 16-bit
//! colour keeps its high byte, 16-bit gray is clipped at 255.

mod chunks;
mod expand;

use std::io::Cursor;

use png::{
    expand_interlaced_row, DecodeOptions, Decoder, DecodingError, InterlaceInfo, Reader,
    Transformations,
};

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
    // The checksums of the chunks before the image data are checked by `chunks`. Pillow does not
    // check the others, but that of the compressed stream.
    let mut options = DecodeOptions::default();
    options.set_ignore_crc(true);
    options.set_ignore_adler32(false);
    options.set_ignore_text_chunk(true);
    options.set_ignore_iccp_chunk(true);
    let mut decoder = Decoder::new_with_options(Cursor::new(data), options);
    decoder.set_transformations(Transformations::IDENTITY);
    let mut reader = decoder.read_info().map_err(refuse)?;
    if head.interlaced {
        let stored = weave(&mut reader, &head, cancel)?;
        let stride = stored.len() / image.height();
        for (y, row) in stored.chunks_exact(stride).enumerate() {
            expand::row(head.layout, row, &palette, image.row_mut(y));
        }
    } else {
        for y in 0..image.height() {
            if y % ROWS_PER_CHECK == 0 {
                cancel.check()?;
            }
            let row = reader.next_row().map_err(refuse)?;
            let row = row.ok_or(PixelError::Truncated)?;
            expand::row(head.layout, row.data(), &palette, image.row_mut(y));
        }
    }
    // The pixels are complete. A wrong checksum of the stream makes them doubtful; a file that
    // ends before the checksum does not.
    match reader.next_row().map(|_| ()).map_err(refuse) {
        Ok(()) | Err(PixelError::Truncated) => {}
        Err(error) => return Err(error),
    }
    chunks::check_rest(data, head.image_data)?;
    Ok(image)
}

/// The stored rows of an interlaced image, put in their places.
fn weave(
    reader: &mut Reader<Cursor<&[u8]>>,
    head: &chunks::Head,
    cancel: &Cancel,
) -> Result<Vec<u8>, PixelError> {
    let length = reader.output_buffer_size().ok_or(PixelError::Memory)?;
    let mut stored = Vec::new();
    stored
        .try_reserve_exact(length)
        .map_err(|_| PixelError::Memory)?;
    stored.resize(length, 0);
    let stride = length / head.height as usize;
    let mut rows = 0usize;
    while let Some(row) = reader.next_interlaced_row().map_err(refuse)? {
        if rows % ROWS_PER_CHECK == 0 {
            cancel.check()?;
        }
        let InterlaceInfo::Adam7(place) = row.interlace() else {
            return Err(PixelError::Internal("a row without a place".into()));
        };
        let bits = head.layout.bits_per_pixel();
        expand_interlaced_row(&mut stored, stride, row.data(), place, bits);
        rows += 1;
        if rows == interlaced_rows(head.width, head.height) {
            break;
        }
    }
    Ok(stored)
}

/// Rows of all passes that have pixels: first row, first column, row step, column step.
fn interlaced_rows(width: u32, height: u32) -> usize {
    const PASSES: [(u32, u32, u32, u32); 7] = [
        (0, 0, 8, 8),
        (0, 4, 8, 8),
        (4, 0, 8, 4),
        (0, 2, 4, 4),
        (2, 0, 4, 2),
        (0, 1, 2, 2),
        (1, 0, 2, 1),
    ];
    PASSES
        .iter()
        .filter(|(_, left, _, _)| *left < width)
        .map(|(top, _, down, _)| height.saturating_sub(*top).div_ceil(*down) as usize)
        .sum()
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
