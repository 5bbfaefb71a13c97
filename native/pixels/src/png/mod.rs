//! PNG to RGB as Pillow's `convert("RGB")` gives it: alpha is dropped and not blended, 16-bit
//! colour keeps its high byte, 16-bit gray is clipped at 255.

mod chunks;
mod expand;

use std::io::Cursor;
use std::ops::Range;

use png::{
    expand_interlaced_row, DecodeOptions, Decoder, DecodingError, InterlaceInfo, Transformations,
};

use crate::color::Palette;
use crate::error::PixelError;
use crate::image::{zeros, CHANNELS};
use crate::limits::{Cancel, Limits, Permit, Permits};
use crate::load::Source;

/// Rows between two looks at the cancel flag.
const ROWS_PER_CHECK: usize = 64;

/// The rows of a PNG. Of an animated file the default image.
///
/// Every row is read, for the checksum of the compressed stream comes at its end. The rows of an
/// interlaced image are all held.
pub(crate) struct Reader<'a> {
    data: &'a [u8],
    cancel: &'a Cancel,
    head: chunks::Head,
    palette: Palette,
    decoder: png::Reader<Cursor<&'a [u8]>>,
    /// The rows as they are stored, where the image is interlaced.
    woven: Option<Vec<u8>>,
    next: usize,
    columns: Range<usize>,
    /// Dropped after the rows.
    _permit: Option<Permit<'a>>,
}

impl<'a> Reader<'a> {
    /// Reads up to the first row.
    pub fn open(
        data: &'a [u8],
        limits: &Limits,
        cancel: &'a Cancel,
        permits: &'a Permits,
    ) -> Result<Self, PixelError> {
        let head = chunks::scan(data)?;
        limits.check_pixels(head.width, head.height)?;
        // The checksums of the chunks before the image data are checked by `chunks`. Pillow does
        // not check the others, but that of the compressed stream.
        let mut options = DecodeOptions::default();
        options.set_ignore_crc(true);
        options.set_ignore_adler32(false);
        options.set_ignore_text_chunk(true);
        options.set_ignore_iccp_chunk(true);
        let mut decoder = Decoder::new_with_options(Cursor::new(data), options);
        decoder.set_transformations(Transformations::IDENTITY);
        let mut decoder = decoder.read_info().map_err(refuse)?;
        let (permit, woven) = if head.interlaced {
            let permit = permits.take(head.width, head.height, cancel)?;
            (permit, Some(weave(&mut decoder, &head, cancel)?))
        } else {
            (None, None)
        };
        Ok(Self {
            data,
            cancel,
            palette: Palette::new(&head.palette),
            columns: 0..head.width as usize,
            head,
            decoder,
            woven,
            next: 0,
            _permit: permit,
        })
    }

    /// The next row, made RGB where a place for it is given.
    fn advance(&mut self, rgb: Option<&mut [u8]>) -> Result<(), PixelError> {
        if self.next.is_multiple_of(ROWS_PER_CHECK) {
            self.cancel.check()?;
        }
        let row;
        let stored = match &self.woven {
            Some(rows) => {
                let stride = rows.len() / self.head.height as usize;
                &rows[self.next * stride..][..stride]
            }
            None => {
                row = self.decoder.next_row().map_err(refuse)?;
                row.as_ref().ok_or(PixelError::Truncated)?.data()
            }
        };
        if let Some(rgb) = rgb {
            expand::row(
                self.head.layout,
                stored,
                self.columns.start,
                &self.palette,
                rgb,
            );
        }
        self.next += 1;
        Ok(())
    }
}

impl Source for Reader<'_> {
    fn size(&self) -> (usize, usize) {
        (self.head.height as usize, self.head.width as usize)
    }

    fn want(
        &mut self,
        rows: Range<usize>,
        columns: Range<usize>,
    ) -> Result<Range<usize>, PixelError> {
        self.columns = columns.clone();
        (0..rows.start).try_for_each(|_| self.advance(None))?;
        Ok(columns)
    }

    fn read(&mut self, row: &mut [u8]) -> Result<(), PixelError> {
        if self.next >= self.head.height as usize || row.len() != self.columns.len() * CHANNELS {
            return Err(PixelError::Internal("a row of another image".into()));
        }
        self.advance(Some(row))
    }

    fn finish(&mut self) -> Result<(), PixelError> {
        (self.next..self.head.height as usize).try_for_each(|_| self.advance(None))?;
        // The pixels are complete. A wrong checksum of the stream makes them doubtful; a file that
        // ends before the checksum does not.
        match self.decoder.next_row().map(|_| ()).map_err(refuse) {
            Ok(()) | Err(PixelError::Truncated) => {}
            Err(error) => return Err(error),
        }
        chunks::check_rest(self.data, self.head.image_data)
    }
}

/// The stored rows of an interlaced image, put in their places.
fn weave(
    reader: &mut png::Reader<Cursor<&[u8]>>,
    head: &chunks::Head,
    cancel: &Cancel,
) -> Result<Vec<u8>, PixelError> {
    let length = reader.output_buffer_size().ok_or(PixelError::Memory)?;
    let mut stored = zeros(length)?;
    let stride = length / head.height as usize;
    let mut rows = 0usize;
    while let Some(row) = reader.next_interlaced_row().map_err(refuse)? {
        if rows.is_multiple_of(ROWS_PER_CHECK) {
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
