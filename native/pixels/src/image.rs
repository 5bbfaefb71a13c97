//! The one pixel container: uint8, height x width x 3, rows without padding.

use crate::error::PixelError;

/// Channels of a pixel.
pub const CHANNELS: usize = 3;

/// An RGB image with 8 bits a channel. Both sides are at least 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RgbImage {
    width: usize,
    height: usize,
    data: Vec<u8>,
}

impl RgbImage {
    /// A black image.
    pub fn black(width: usize, height: usize) -> Result<Self, PixelError> {
        if width == 0 || height == 0 {
            return Err(PixelError::Internal(
                "an image needs at least one pixel".into(),
            ));
        }
        let length = width
            .checked_mul(height)
            .and_then(|pixels| pixels.checked_mul(CHANNELS))
            .ok_or(PixelError::Memory)?;
        Ok(Self {
            width,
            height,
            data: zeros(length)?,
        })
    }

    /// An image from its bytes, `height * width * 3` of them.
    pub fn from_raw(width: usize, height: usize, data: Vec<u8>) -> Result<Self, PixelError> {
        let expected = width
            .checked_mul(height)
            .and_then(|p| p.checked_mul(CHANNELS));
        if width == 0 || height == 0 || expected != Some(data.len()) {
            return Err(PixelError::Internal(format!(
                "{} bytes are no RGB image of {width} x {height}",
                data.len()
            )));
        }
        Ok(Self {
            width,
            height,
            data,
        })
    }

    /// Pixels in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Number of rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// All bytes, row by row.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The bytes, row by row, without a copy.
    pub fn into_raw(self) -> Vec<u8> {
        self.data
    }

    /// Row `y`.
    pub fn row(&self, y: usize) -> &[u8] {
        let stride = self.width * CHANNELS;
        &self.data[y * stride..(y + 1) * stride]
    }

    /// Row `y`, to be written.
    pub fn row_mut(&mut self, y: usize) -> &mut [u8] {
        let stride = self.width * CHANNELS;
        &mut self.data[y * stride..(y + 1) * stride]
    }
}

/// `length` zero bytes, or an error where there is no memory for them.
pub(crate) fn zeros(length: usize) -> Result<Vec<u8>, PixelError> {
    let mut bytes = Vec::new();
    bytes
        .try_reserve_exact(length)
        .map_err(|_| PixelError::Memory)?;
    bytes.resize(length, 0);
    Ok(bytes)
}
