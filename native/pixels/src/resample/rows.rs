//! Rows of bytes between two passes.

use super::weights::reserved;
use crate::error::PixelError;

/// Bytes behind each row that a kernel may read and write: a whole register at the row's end.
pub(super) const SLACK: usize = 32;

/// A block of rows of one length, each with [`SLACK`] bytes behind it.
pub(super) struct Rows {
    data: Vec<u8>,
    length: usize,
}

impl Rows {
    /// `count` rows of `length` bytes, all zero.
    pub fn new(count: usize, length: usize) -> Result<Self, PixelError> {
        let bytes = length
            .checked_add(SLACK)
            .and_then(|stride| stride.checked_mul(count))
            .ok_or(PixelError::Memory)?;
        let mut data = reserved(bytes)?;
        data.resize(bytes, 0);
        Ok(Self { data, length })
    }

    /// Bytes from a row to the next.
    pub fn stride(&self) -> usize {
        self.length + SLACK
    }

    /// Number of rows.
    pub fn count(&self) -> usize {
        self.data.len() / self.stride()
    }

    pub fn row(&self, index: usize) -> &[u8] {
        &self.data[index * self.stride()..][..self.length]
    }

    pub fn row_mut(&mut self, index: usize) -> &mut [u8] {
        let (stride, length) = (self.stride(), self.length);
        &mut self.data[index * stride..][..length]
    }

    /// `count` rows from `first` on, each with its slack.
    pub fn block(&self, first: usize, count: usize) -> &[u8] {
        let stride = self.stride();
        &self.data[first * stride..(first + count) * stride]
    }

    /// [`Self::block`], to be written.
    pub fn block_mut(&mut self, first: usize, count: usize) -> &mut [u8] {
        let stride = self.stride();
        &mut self.data[first * stride..(first + count) * stride]
    }

    /// Moves the rows from `first` to `end` to the front.
    pub fn keep(&mut self, first: usize, end: usize) {
        let stride = self.stride();
        self.data.copy_within(first * stride..end * stride, 0);
    }
}
