//! Which corner of the image the first pixel is.

use std::ops::Range;

use super::directory::{tag, Directory};
use super::reader::Reader;
use crate::error::PixelError;
use crate::load::{Source, Wanted};

/// 1 to 8, as the tag says or, where it is missing, the XMP packet. Other values mean 1.
pub(super) fn of(directory: &Directory) -> Result<u32, PixelError> {
    let stated = match directory.value(tag::ORIENTATION)? {
        Some(stated) => stated,
        None if !directory.has(tag::XMP) => 1,
        None => {
            let packet = directory.bytes(tag::XMP);
            let packet = packet.ok_or_else(|| PixelError::Corrupt("XMP is no bytes".into()))?;
            in_packet(packet).unwrap_or(1)
        }
    };
    Ok(if (2..=8).contains(&stated) { stated } else { 1 })
}

/// The digit behind the first `tiff:Orientation="` or `tiff:Orientation>` that has one.
fn in_packet(packet: &[u8]) -> Option<u32> {
    const NAME: &[u8] = b"tiff:Orientation";
    packet
        .windows(NAME.len())
        .enumerate()
        .find_map(|(at, name)| {
            if name != NAME {
                return None;
            }
            let rest = &packet[at + NAME.len()..];
            let rest = rest
                .strip_prefix(b"=\"")
                .or_else(|| rest.strip_prefix(b">"))?;
            let digit = rest.first().filter(|digit| digit.is_ascii_digit())?;
            Some(u32::from(digit - b'0'))
        })
}

/// An image that is held as it is stored and read upright: it is in memory once.
pub(super) struct Upright<'a> {
    reader: Reader<'a>,
    orientation: u32,
    wanted: Wanted,
}

impl<'a> Upright<'a> {
    /// Decodes the whole image of `reader`, which must be one that keeps it.
    pub fn new(mut reader: Reader<'a>, orientation: u32) -> Result<Self, PixelError> {
        reader.finish()?;
        Ok(Self {
            reader,
            orientation,
            wanted: Wanted::default(),
        })
    }
}

impl Source for Upright<'_> {
    fn size(&self) -> (usize, usize) {
        let (height, width) = self.reader.size();
        if self.orientation < 5 {
            (height, width)
        } else {
            (width, height)
        }
    }

    fn want(
        &mut self,
        rows: Range<usize>,
        columns: Range<usize>,
    ) -> Result<Range<usize>, PixelError> {
        Ok(self.wanted.set(rows, columns))
    }

    fn read(&mut self, row: &mut [u8]) -> Result<(), PixelError> {
        let y = self.wanted.next_row()?;
        let (orientation, stored) = (self.orientation, self.reader.size());
        let places = self.wanted.columns.clone();
        let places = places.map(|x| place(orientation, stored, (y, x)));
        self.reader.gather(places, row);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), PixelError> {
        Ok(())
    }
}

/// Where the pixel that is (row, column) of the upright image is stored, in `stored` = (height,
/// width).
fn place(orientation: u32, stored: (usize, usize), (y, x): (usize, usize)) -> (usize, usize) {
    let (last_row, last_column) = (stored.0 - 1, stored.1 - 1);
    match orientation {
        2 => (y, last_column - x),
        3 => (last_row - y, last_column - x),
        4 => (last_row - y, x),
        5 => (x, y),
        6 => (last_row - x, y),
        7 => (last_row - x, last_column - y),
        8 => (x, last_column - y),
        _ => (y, x),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects: all eight orientations of two rows of three, by where the corner at the top left
    /// and its right neighbour are stored.
    #[test]
    fn corners() {
        for (orientation, first, second) in [
            (1, (0, 0), (0, 1)),
            (2, (0, 2), (0, 1)),
            (3, (1, 2), (1, 1)),
            (4, (1, 0), (1, 1)),
            (5, (0, 0), (1, 0)),
            (6, (1, 0), (0, 0)),
            (7, (1, 2), (0, 2)),
            (8, (0, 2), (1, 2)),
        ] {
            let found = [(0, 0), (0, 1)].map(|at| place(orientation, (2, 3), at));
            assert_eq!(found, [first, second], "{orientation}");
        }
    }

    /// Protects: both spellings in the packet, and packets that say nothing.
    #[test]
    fn packets() {
        assert_eq!(in_packet(b"<x tiff:Orientation=\"6\"/>"), Some(6));
        assert_eq!(in_packet(b"<tiff:Orientation>3</"), Some(3));
        assert_eq!(in_packet(b"tiff:Orientation= tiff:Orientation>8"), Some(8));
        for packet in [&b""[..], b"tiff:Orientation", b"tiff:Orientation>x"] {
            assert_eq!(in_packet(packet), None);
        }
    }
}
