//! An image that is held whole, as the rows of a [`Source`].

use std::ops::Range;

use crate::color::Palette;
use crate::error::PixelError;
use crate::image::{RgbImage, CHANNELS};
use crate::limits::Turn;
use crate::load::{Source, Wanted};

/// The pixels of a whole image.
pub(crate) enum Pixels {
    Rgb(RgbImage),
    /// One index a pixel, row by row: a third of the memory.
    Indexed {
        width: usize,
        height: usize,
        indices: Vec<u8>,
        palette: Palette,
    },
}

/// A whole image, and the right to hold it where it is large.
pub(crate) struct Frame<'a> {
    pixels: Pixels,
    wanted: Wanted,
    /// Dropped after the pixels.
    _turn: Option<Turn<'a>>,
}

impl<'a> Frame<'a> {
    pub fn new(pixels: Pixels, turn: Option<Turn<'a>>) -> Self {
        Self {
            pixels,
            wanted: Wanted::default(),
            _turn: turn,
        }
    }
}

impl Source for Frame<'_> {
    fn size(&self) -> (usize, usize) {
        match &self.pixels {
            Pixels::Rgb(image) => (image.height(), image.width()),
            Pixels::Indexed { width, height, .. } => (*height, *width),
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
        let Range { start, end } = self.wanted.columns.clone();
        match &self.pixels {
            Pixels::Rgb(image) => {
                row.copy_from_slice(&image.row(y)[start * CHANNELS..end * CHANNELS]);
            }
            Pixels::Indexed {
                width,
                indices,
                palette,
                ..
            } => palette.expand(&indices[y * width..][start..end], row),
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), PixelError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects: rows and columns are cut from either kind of pixels alike.
    #[test]
    fn a_part_of_each_kind() {
        let colours: Vec<u8> = (0..=255).flat_map(|i| [i, 255 - i, 7]).collect();
        let indices: Vec<u8> = (0..12).collect();
        let rgb = indices.iter().flat_map(|&i| [i, 255 - i, 7]).collect();
        for pixels in [
            Pixels::Rgb(RgbImage::from_raw(4, 3, rgb).unwrap()),
            Pixels::Indexed {
                width: 4,
                height: 3,
                indices: indices.clone(),
                palette: Palette::new(&colours),
            },
        ] {
            let mut frame = Frame::new(pixels, None);
            assert_eq!(frame.size(), (3, 4));
            assert_eq!(frame.want(1..3, 1..3).unwrap(), 1..3);
            let mut row = [0; 6];
            frame.read(&mut row).unwrap();
            assert_eq!(row, [5, 250, 7, 6, 249, 7]);
            frame.read(&mut row).unwrap();
            assert_eq!(row, [9, 246, 7, 10, 245, 7]);
            assert!(frame.read(&mut row).is_err());
        }
    }
}
