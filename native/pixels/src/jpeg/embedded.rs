//! A JPEG inside of another format, which says what its components mean.

use super::shim;
use crate::error::PixelError;
use crate::limits::Cancel;

/// The JPEGs of one image, one after the other: rows of components as they are stored, or of RGB.
/// Nothing after the last row of each is looked at.
pub(crate) struct Embedded<'a> {
    decoder: shim::Decoder<'a>,
    header: shim::Header,
}

impl<'a> Embedded<'a> {
    /// Tables that each of them may do without.
    pub fn new(tables: Option<&[u8]>, cancel: &'a Cancel) -> Result<Self, PixelError> {
        let mut decoder = shim::Decoder::open(&[], 1, cancel)?;
        if let Some(tables) = tables {
            decoder.read_tables(tables)?;
        }
        Ok(Self {
            decoder,
            header: shim::Header::default(),
        })
    }

    /// Leaves the one before, whose tables stay, and reads up to the first scan of the next.
    pub fn open(&mut self, data: &'a [u8], max_scans: u32) -> Result<(), PixelError> {
        self.decoder.next(data, max_scans)?;
        self.header = self.decoder.read_header()?;
        if self.header.precision != 8 {
            return Err(PixelError::UnsupportedFeature(format!(
                "JPEG with {} bits a sample is not read: 8 is expected",
                self.header.precision
            )));
        }
        Ok(())
    }

    pub fn width(&self) -> usize {
        self.header.width as usize
    }

    pub fn height(&self) -> usize {
        self.header.height as usize
    }

    pub fn components(&self) -> usize {
        self.header.components as usize
    }

    /// Horizontal and vertical sampling factor of the first component; (0, 0) where another one has
    /// other factors than 1.
    pub fn sampling(&self) -> (u32, u32) {
        self.decoder.sampling()
    }

    /// To be called once before the first row of each. With `luminance` three components become RGB.
    pub fn start(&mut self, luminance: bool) -> Result<(), PixelError> {
        self.decoder.start_embedded(luminance)
    }

    pub fn read_row(&mut self, row: &mut [u8]) -> Result<(), PixelError> {
        self.decoder.read_row(row)
    }
}
