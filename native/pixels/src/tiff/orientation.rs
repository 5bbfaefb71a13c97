//! Which corner of the image the first pixel is.

use super::directory::{tag, Directory};
use crate::error::PixelError;
use crate::image::{RgbImage, CHANNELS};

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

/// An image that is put upright row by row.
pub(super) struct Upright {
    pub image: RgbImage,
    orientation: u32,
    /// Of the image as it is stored.
    height: usize,
}

impl Upright {
    pub fn new(height: usize, width: usize, orientation: u32) -> Result<Self, PixelError> {
        let (columns, rows) = if orientation < 5 {
            (width, height)
        } else {
            (height, width)
        };
        Ok(Self {
            image: RgbImage::black(columns, rows)?,
            orientation,
            height,
        })
    }

    /// Puts stored row `y` in its place.
    pub fn put(&mut self, y: usize, row: &[u8]) {
        let last_row = self.height - 1;
        let last_column = row.len() / CHANNELS - 1;
        for (x, pixel) in row.chunks_exact(CHANNELS).enumerate() {
            let (to_y, to_x) = match self.orientation {
                2 => (y, last_column - x),
                3 => (last_row - y, last_column - x),
                4 => (last_row - y, x),
                5 => (x, y),
                6 => (x, last_row - y),
                7 => (last_column - x, last_row - y),
                8 => (last_column - x, y),
                _ => (y, x),
            };
            self.image.row_mut(to_y)[to_x * CHANNELS..][..CHANNELS].copy_from_slice(pixel);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects: all eight orientations, by where the first pixel and its right neighbour go.
    #[test]
    fn corners() {
        let stored: Vec<u8> = (0..18).collect();
        for (orientation, size, first, second) in [
            (1, (2, 3), (0, 0), (0, 1)),
            (2, (2, 3), (0, 2), (0, 1)),
            (3, (2, 3), (1, 2), (1, 1)),
            (4, (2, 3), (1, 0), (1, 1)),
            (5, (3, 2), (0, 0), (1, 0)),
            (6, (3, 2), (0, 1), (1, 1)),
            (7, (3, 2), (2, 1), (1, 1)),
            (8, (3, 2), (2, 0), (1, 0)),
        ] {
            let mut upright = Upright::new(2, 3, orientation).unwrap();
            upright.put(0, &stored[..9]);
            upright.put(1, &stored[9..]);
            let upright = upright.image;
            assert_eq!((upright.height(), upright.width()), size);
            let at = |(y, x): (usize, usize)| upright.row(y)[x * 3];
            assert_eq!((at(first), at(second)), (0, 3), "{orientation}");
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
