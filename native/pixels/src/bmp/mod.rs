//! BMP to RGB as Pillow's `convert("RGB")` gives it, with Pillow's reading of odd headers.

mod header;
mod rle;

use std::ops::Range;

use crate::color::{gray_to_rgb, sample, Palette};
use crate::error::PixelError;
use crate::frame::{Frame, Pixels};
use crate::image::CHANNELS;
use crate::limits::{Cancel, Limits, Turns};
use crate::load::{Source, Wanted};

use header::{Compression, Header, Layout};

/// The rows of a BMP: straight from the file, or from a whole frame where they are run-length
/// coded.
pub(crate) fn open<'a>(
    data: &'a [u8],
    limits: &Limits,
    cancel: &'a Cancel,
    turns: &'a Turns,
) -> Result<Box<dyn Source + 'a>, PixelError> {
    let header = header::parse(data)?;
    if header.width == 0 || header.height == 0 {
        return Err(PixelError::Corrupt("a side of the image is zero".into()));
    }
    limits.check_pixels(header.width, header.height)?;
    if header.compression == Compression::None {
        return Ok(Box::new(Reader::open(data, header)?));
    }
    let turn = turns.take(header.width, header.height, cancel)?;
    let (width, height) = (header.width as usize, header.height as usize);
    let nibbles = header.compression == Compression::Rle4;
    let mut indices = rle::decode(data, header.pixels, (width, height), nibbles, cancel)?;
    if !header.top_down {
        turn_over(&mut indices, width);
    }
    let palette = match header.layout {
        Layout::Bilevel => Palette::new(&black_and_white()),
        Layout::Gray => Palette::gray(),
        _ => header.palette,
    };
    let pixels = Pixels::Indexed {
        width,
        height,
        indices,
        palette,
    };
    Ok(Box::new(Frame::new(pixels, turn)))
}

/// The last row first.
fn turn_over(pixels: &mut [u8], width: usize) {
    let mut rows = pixels.chunks_exact_mut(width);
    while let (Some(first), Some(last)) = (rows.next(), rows.next_back()) {
        first.swap_with_slice(last);
    }
}

/// A run-length coded image that Pillow takes for black and white: white is what is not zero.
fn black_and_white() -> [u8; 3 * 256] {
    let mut colours = [255; 3 * 256];
    colours[..3].fill(0);
    colours
}

struct Reader<'a> {
    header: Header,
    /// The rows, of which the last may lack its padding.
    stored: &'a [u8],
    wanted: Wanted,
}

impl<'a> Reader<'a> {
    fn open(data: &'a [u8], header: Header) -> Result<Self, PixelError> {
        let row_bytes = (header.width as usize * header.layout.bits_per_pixel()).div_ceil(8);
        // Where a palette of few grays makes Pillow read more bits a pixel than are there.
        if row_bytes > header.stride {
            return Err(PixelError::Corrupt("the palette is another image's".into()));
        }
        let length = (header.height as usize - 1) * header.stride + row_bytes;
        let stored = data
            .get(header.pixels..)
            .and_then(|rest| rest.get(..length))
            .ok_or(PixelError::Truncated)?;
        Ok(Self {
            header,
            stored,
            wanted: Wanted::default(),
        })
    }
}

impl Source for Reader<'_> {
    fn size(&self) -> (usize, usize) {
        (self.header.height as usize, self.header.width as usize)
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
        let header = &self.header;
        let place = if header.top_down {
            y
        } else {
            header.height as usize - 1 - y
        };
        let stored = &self.stored[place * header.stride..];
        expand(
            header.layout,
            stored,
            self.wanted.columns.start,
            &header.palette,
            row,
        );
        Ok(())
    }

    fn finish(&mut self) -> Result<(), PixelError> {
        Ok(())
    }
}

/// Expands a stored row from pixel `first` on; `rgb` decides how many pixels there are.
fn expand(layout: Layout, stored: &[u8], first: usize, palette: &Palette, rgb: &mut [u8]) {
    match layout {
        Layout::Gray => gray_to_rgb(&stored[first..], rgb),
        Layout::Indexed(8) => palette.expand(&stored[first..], rgb),
        Layout::Bilevel => {
            for (x, pixel) in rgb.chunks_exact_mut(CHANNELS).enumerate() {
                pixel.fill(255 * sample(stored, first + x, 1));
            }
        }
        Layout::Indexed(bits) => {
            for (x, pixel) in rgb.chunks_exact_mut(CHANNELS).enumerate() {
                pixel.copy_from_slice(&palette.colour(sample(stored, first + x, bits)));
            }
        }
        Layout::Rgb555 => words(&stored[2 * first..], [(10, 31), (5, 31), (0, 31)], rgb),
        Layout::Rgb565 => words(&stored[2 * first..], [(11, 31), (5, 63), (0, 31)], rgb),
        Layout::Bytes(bytes, places) => {
            let stored = stored[bytes * first..].chunks_exact(bytes);
            for (colour, pixel) in stored.zip(rgb.chunks_exact_mut(CHANNELS)) {
                pixel.copy_from_slice(&places.map(|place| colour[place]));
            }
        }
    }
}

/// Pixels of 16 bits: of each channel its lowest bit and its largest value, which becomes 255.
fn words(stored: &[u8], channels: [(u32, u32); CHANNELS], rgb: &mut [u8]) {
    for (word, pixel) in stored.chunks_exact(2).zip(rgb.chunks_exact_mut(CHANNELS)) {
        let word = u32::from(u16::from_le_bytes([word[0], word[1]]));
        let channel = |(shift, most)| (((word >> shift) & most) * 255 / most) as u8;
        pixel.copy_from_slice(&channels.map(channel));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::decode_bytes;

    fn file(header: &[u8], pixels: &[u8]) -> Vec<u8> {
        let offset = (14 + header.len()) as u32;
        let mut file = b"BM\0\0\0\0\0\0\0\0".to_vec();
        file.extend_from_slice(&offset.to_le_bytes());
        file.extend_from_slice(header);
        file.extend_from_slice(pixels);
        file
    }

    fn info(width: i32, height: i32, bits: u16, compression: u32) -> Vec<u8> {
        let mut header = vec![40, 0, 0, 0];
        header.extend_from_slice(&width.to_le_bytes());
        header.extend_from_slice(&height.to_le_bytes());
        header.extend_from_slice(&[1, 0]);
        header.extend_from_slice(&bits.to_le_bytes());
        header.extend_from_slice(&compression.to_le_bytes());
        header.resize(40, 0);
        header
    }

    fn rgb(data: &[u8]) -> Result<Vec<u8>, PixelError> {
        decode_bytes(data, &Limits::default(), &Cancel::default()).map(|i| i.into_raw())
    }

    /// Protects: rows from the bottom up or, with a negative height, from the top down.
    #[test]
    fn direction() {
        let pixels = [3, 2, 1, 0, 6, 5, 4];
        assert_eq!(
            rgb(&file(&info(1, 2, 24, 0), &pixels)).unwrap(),
            [4, 5, 6, 1, 2, 3]
        );
        assert_eq!(
            rgb(&file(&info(1, -2, 24, 0), &pixels)).unwrap(),
            [1, 2, 3, 4, 5, 6]
        );
    }

    /// Protects: every cut of a file is an error and no panic, but for padding after the last row.
    #[test]
    fn every_prefix_is_refused() {
        let whole = file(&info(3, 2, 24, 0), &[9; 21]);
        assert!(rgb(&whole).is_ok());
        for length in 2..whole.len() {
            assert!(rgb(&whole[..length]).is_err());
        }
    }

    /// Protects: a header that claims a huge image is refused before anything is allocated.
    #[test]
    fn lying_header() {
        let error = rgb(&file(&info(1 << 30, 1 << 30, 8, 1), &[0, 1])).unwrap_err();
        assert_eq!(error.kind(), "too-large");
        assert_eq!(
            rgb(&file(&info(0, 5, 24, 0), &[])).unwrap_err().kind(),
            "corrupt"
        );
        assert_eq!(
            rgb(&file(&info(5, 5, 24, 4), &[])).unwrap_err().to_string(),
            "BMP that is compressed with JPEG is not read"
        );
    }
}
