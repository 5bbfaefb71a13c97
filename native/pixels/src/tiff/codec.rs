//! The rows of one strip or tile, one after the other.

use std::borrow::Cow;

use flate2::{Decompress, FlushDecompress, Status};

use super::directory::Order;
use super::lzw;
use crate::error::PixelError;
use crate::jpeg::Embedded;

/// Bytes of a strip or tile on their way to rows.
pub(super) enum Codec<'a, 'file> {
    /// As they are, at the start of each row, with the bytes from one to the next.
    Stored(&'a [u8], usize),
    Lzw(lzw::Decoder<'a>),
    Deflate(Deflate<'a>),
    PackBits(PackBits<'a>),
    Jpeg(Embedded<'file>),
}

impl Codec<'_, '_> {
    /// The next row.
    pub fn read(&mut self, row: &mut [u8]) -> Result<(), PixelError> {
        match self {
            Self::Stored(rest, stride) => {
                row.copy_from_slice(rest.get(..row.len()).ok_or(PixelError::Truncated)?);
                *rest = rest.get(*stride..).unwrap_or_default();
                Ok(())
            }
            Self::Lzw(decoder) => decoder.read(row),
            Self::Deflate(decoder) => decoder.read(row),
            Self::PackBits(decoder) => decoder.read(row),
            Self::Jpeg(decoder) => decoder.read_row(row),
        }
    }
}

/// Bytes with the order of their bits turned, where the file says so.
pub(super) fn turned(bytes: &[u8], reversed: bool) -> Result<Cow<'_, [u8]>, PixelError> {
    if !reversed {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut copy = Vec::new();
    copy.try_reserve_exact(bytes.len())
        .map_err(|_| PixelError::Memory)?;
    copy.extend(bytes.iter().map(|byte| byte.reverse_bits()));
    Ok(Cow::Owned(copy))
}

/// A zlib stream. Its checksum counts where it comes right after the last row.
pub(super) struct Deflate<'a> {
    rest: &'a [u8],
    state: Decompress,
}

impl<'a> Deflate<'a> {
    pub fn new(data: &'a [u8]) -> Self {
        Self {
            rest: data,
            state: Decompress::new(true),
        }
    }

    fn read(&mut self, mut out: &mut [u8]) -> Result<(), PixelError> {
        while !out.is_empty() {
            let before = (self.state.total_in(), self.state.total_out());
            let status = self
                .state
                .decompress(self.rest, out, FlushDecompress::None)
                .map_err(|error| PixelError::Corrupt(error.to_string()))?;
            let taken = (self.state.total_in() - before.0) as usize;
            let given = (self.state.total_out() - before.1) as usize;
            self.rest = &self.rest[taken..];
            out = &mut out[given..];
            let stuck = taken == 0 && given == 0;
            if !out.is_empty() && (status == Status::StreamEnd || stuck) {
                return Err(PixelError::Truncated);
            }
        }
        Ok(())
    }
}

/// Runs and literal bytes, which may go on in the next row.
pub(super) struct PackBits<'a> {
    rest: &'a [u8],
    /// Bytes of the run that are left, and what they are, where they are all the same.
    left: usize,
    repeated: Option<u8>,
}

impl<'a> PackBits<'a> {
    pub fn new(data: &'a [u8]) -> Self {
        Self {
            rest: data,
            left: 0,
            repeated: None,
        }
    }

    fn byte(&mut self) -> Result<u8, PixelError> {
        let (&byte, rest) = self.rest.split_first().ok_or(PixelError::Truncated)?;
        self.rest = rest;
        Ok(byte)
    }

    fn read(&mut self, mut out: &mut [u8]) -> Result<(), PixelError> {
        while !out.is_empty() {
            if self.left == 0 {
                match self.byte()? {
                    128 => continue,
                    literal @ 0..=127 => {
                        self.left = usize::from(literal) + 1;
                        self.repeated = None;
                    }
                    run => {
                        self.left = 257 - usize::from(run);
                        self.repeated = Some(self.byte()?);
                    }
                }
            }
            let count = self.left.min(out.len());
            let (now, later) = out.split_at_mut(count);
            match self.repeated {
                Some(byte) => now.fill(byte),
                None => {
                    now.copy_from_slice(self.rest.get(..count).ok_or(PixelError::Truncated)?);
                    self.rest = &self.rest[count..];
                }
            }
            self.left -= count;
            out = later;
        }
        Ok(())
    }
}

/// Turns a row of differences, between samples `apart` samples from each other, into samples.
pub(super) fn add_up(row: &mut [u8], bits: usize, apart: usize, order: Order) {
    match bits {
        8 => {
            for place in apart..row.len() {
                row[place] = row[place].wrapping_add(row[place - apart]);
            }
        }
        16 => {
            for place in (2 * apart..row.len().saturating_sub(1)).step_by(2) {
                let read = |at: usize| order.u16([row[at], row[at + 1]]);
                let sum = read(place).wrapping_add(read(place - 2 * apart));
                row[place..place + 2].copy_from_slice(&match order {
                    Order::Little => sum.to_le_bytes(),
                    Order::Big => sum.to_be_bytes(),
                });
            }
        }
        _ => {
            for place in (4 * apart..row.len().saturating_sub(3)).step_by(4) {
                let read = |at: usize| order.u32([row[at], row[at + 1], row[at + 2], row[at + 3]]);
                let sum = read(place).wrapping_add(read(place - 4 * apart));
                row[place..place + 4].copy_from_slice(&match order {
                    Order::Little => sum.to_le_bytes(),
                    Order::Big => sum.to_be_bytes(),
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects: runs, literal bytes, nothing, and runs that go on in the next row.
    #[test]
    fn pack_bits() {
        let data = [254, 9, 128, 3, 1, 2, 3, 4];
        for portion in 1..=7 {
            let mut decoder = PackBits::new(&data);
            let mut out = [0; 7];
            for part in out.chunks_mut(portion) {
                decoder.read(part).unwrap();
            }
            assert_eq!(out, [9, 9, 9, 1, 2, 3, 4]);
        }
        for length in 0..data.len() {
            assert!(PackBits::new(&data[..length]).read(&mut [0; 7]).is_err());
        }
    }

    /// Protects: a stream in portions, without its checksum, and every cut before that.
    #[test]
    fn deflate() {
        // zlib.compress(bytes(range(9)), 0)
        let data = b"\x78\x01\x01\x09\0\xf6\xff\0\x01\x02\x03\x04\x05\x06\x07\x08";
        let mut decoder = Deflate::new(data);
        let mut out = [0; 9];
        for part in out.chunks_mut(2) {
            decoder.read(part).unwrap();
        }
        assert_eq!(out, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
        for length in 0..data.len() {
            assert!(Deflate::new(&data[..length]).read(&mut [0; 9]).is_err());
        }
    }

    /// Protects: differences of every size, in either order of bytes.
    #[test]
    fn differences() {
        let mut row = [1, 2, 255, 1, 5, 0];
        add_up(&mut row, 8, 2, Order::Little);
        assert_eq!(row, [1, 2, 0, 3, 5, 3]);
        let mut row = [255, 0, 1, 0, 0, 1];
        add_up(&mut row, 16, 1, Order::Little);
        assert_eq!(row, [255, 0, 0, 1, 0, 2]);
        let mut row = [0, 255, 0, 1, 1, 0];
        add_up(&mut row, 16, 1, Order::Big);
        assert_eq!(row, [0, 255, 1, 0, 2, 0]);
        let mut row = [0, 0, 0, 255, 0, 0, 0, 1];
        add_up(&mut row, 32, 1, Order::Big);
        assert_eq!(row[4..], [0, 0, 1, 0]);
    }
}
