//! JPEG to RGB with libjpeg-turbo: integer "islow" transform, fancy upsampling, as Pillow calls it.

mod header;
mod shim;

use std::ops::Range;

use crate::color::{gray_to_rgb, inverted_cmyk_to_rgb};
use crate::error::PixelError;
use crate::limits::{Cancel, Limits, Permit, Permits};
use crate::load::Source;

pub use shim::{has_simd, library_version};

/// Columns on either side of the wanted ones that are decoded too. Fancy upsampling looks one
/// chroma sample, at most two columns, to either side; at the border of the decoded columns it
/// finds none, so that the outermost columns have other values.
const MARGIN: usize = 2;

/// Columns that are decoded at least: enough for two samples of a component at a quarter of the
/// width. With less libjpeg would choose another upsampling.
const NARROWEST: usize = 64;

/// The rows of a JPEG. Of a file with several images (MPO) the first one.
///
/// Of a file with one scan, the columns beside the wanted ones and the rows above are read, but no
/// pixels are made of them, and the rows below are not even read where it is certain that nothing
/// there can fail. A file with several scans (progressive) is decoded whole.
pub(crate) struct Reader<'a> {
    decoder: shim::Decoder<'a>,
    frame: header::Frame,
    /// One scan of Huffman-coded blocks: parts can be left out.
    plain: bool,
    /// A row as it is stored, where that is not RGB.
    stored: Vec<u8>,
    /// Dropped after the decoder, which holds the memory.
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
        let frame = header::scan(data)?;
        limits.check_pixels(frame.width, frame.height)?;
        let mut decoder =
            shim::Decoder::open(data, limits.scans(frame.width, frame.height), cancel)?;
        let header = decoder.read_header()?;
        if (header.width, header.height, header.components)
            != (frame.width, frame.height, frame.components)
        {
            return Err(PixelError::Corrupt(
                "two frame headers contradict each other".into(),
            ));
        }
        let permit = if decoder.needs_frame() {
            permits.take(frame.width, frame.height, cancel)?
        } else {
            None
        };
        decoder.start()?;
        let plain = decoder.is_plain();
        Ok(Self {
            decoder,
            frame,
            plain,
            stored: Vec::new(),
            _permit: permit,
        })
    }

    fn skip_to(&mut self, row: usize) -> Result<(), PixelError> {
        if self.plain && row > 0 {
            return self.decoder.skip(row as u32);
        }
        let mut unseen = vec![0; self.decoder.row_bytes()];
        (0..row).try_for_each(|_| self.decoder.read_row(&mut unseen))
    }
}

impl Source for Reader<'_> {
    fn size(&self) -> (usize, usize) {
        (self.frame.height as usize, self.frame.width as usize)
    }

    fn read_as_defined(&mut self) {
        self.decoder.read_as_defined();
    }

    fn want(
        &mut self,
        rows: Range<usize>,
        columns: Range<usize>,
    ) -> Result<Range<usize>, PixelError> {
        let width = self.frame.width as usize;
        let mut given = 0..width;
        if self.plain && width > NARROWEST {
            let first = columns.start.saturating_sub(MARGIN).min(width - NARROWEST);
            let end = (columns.end + MARGIN).max(first + NARROWEST).min(width);
            if end - first < width {
                given = self.decoder.crop(first..end)?;
            }
        }
        if self.frame.components != 3 {
            self.stored = vec![0; self.decoder.row_bytes()];
        }
        self.skip_to(rows.start)?;
        Ok(given)
    }

    fn read(&mut self, row: &mut [u8]) -> Result<(), PixelError> {
        match self.frame.components {
            3 => self.decoder.read_row(row)?,
            1 => {
                self.decoder.read_row(&mut self.stored)?;
                gray_to_rgb(&self.stored, row);
            }
            _ => {
                self.decoder.read_row(&mut self.stored)?;
                inverted_cmyk_to_rgb(&self.stored, row);
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), PixelError> {
        let left = self.decoder.rows_left();
        if left > 0 {
            // The first row of a file with several scans comes after the end of the image.
            if !self.plain && self.decoder.needs_frame() {
                return Ok(());
            }
            if self.plain && self.decoder.rest_is_complete() {
                return Ok(());
            }
            let mut unseen = vec![0; self.decoder.row_bytes()];
            (0..left).try_for_each(|_| self.decoder.read_row(&mut unseen))?;
        }
        match self.decoder.finish() {
            // The rows are complete: a missing end marker costs nothing.
            Ok(()) | Err(PixelError::Truncated) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
