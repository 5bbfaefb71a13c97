//! The first image of a GIF to RGB as Pillow's `convert("RGB")` gives it. Where the screen is not
//! covered it has the transparent colour, or the first one; transparency itself is dropped.

mod lzw;

use crate::color::Palette;
use crate::error::PixelError;
use crate::frame::{Frame, Pixels};
use crate::image::zeros;
use crate::limits::{Cancel, Limits, Turns};
use crate::load::Source;

/// The rows of a GIF, decoded whole.
pub(crate) fn open<'a>(
    data: &'a [u8],
    limits: &Limits,
    cancel: &'a Cancel,
    turns: &'a Turns,
) -> Result<Box<dyn Source + 'a>, PixelError> {
    let mut blocks = Blocks { data, at: 6 };
    let image = find_image(&mut blocks)?;
    // An image that reaches beyond the screen makes it larger.
    let (width, height) = (
        u32::from(image.screen.0).max(u32::from(image.place.0) + u32::from(image.size.0)),
        u32::from(image.screen.1).max(u32::from(image.place.1) + u32::from(image.size.1)),
    );
    if image.size.0 == 0 || image.size.1 == 0 {
        return Err(PixelError::Corrupt("a side of the image is zero".into()));
    }
    limits.check_pixels(width, height)?;
    let turn = turns.take(width, height, cancel)?;
    let mut indices = zeros(width as usize * height as usize)?;
    if let Some(transparent) = image.transparent {
        indices.fill(transparent);
    }
    let mut canvas = Canvas {
        pixels: &mut indices[..],
        stride: width as usize,
        corner: (image.place.0.into(), image.place.1.into()),
        size: (image.size.0.into(), image.size.1.into()),
        x: 0,
        y: 0,
        passes: if image.interlaced { &PASSES } else { &[] },
        step: if image.interlaced { 8 } else { 1 },
    };
    lzw::decode(&data[blocks.at..], image.bits, &mut canvas, cancel)?;
    let pixels = Pixels::Indexed {
        width: width as usize,
        height: height as usize,
        indices,
        palette: image.palette,
    };
    Ok(Box::new(Frame::new(pixels, turn)))
}

/// What comes before the pixels of the first image. Pairs are horizontal, vertical.
struct Image {
    screen: (u16, u16),
    place: (u16, u16),
    size: (u16, u16),
    interlaced: bool,
    palette: Palette,
    transparent: Option<u8>,
    /// Bits of a pixel's code.
    bits: u8,
}

fn find_image(blocks: &mut Blocks) -> Result<Image, PixelError> {
    let screen = (blocks.word()?, blocks.word()?);
    let [flags, _background, _aspect] = blocks.take()?;
    let global = blocks.palette(flags)?;
    let mut transparent = None;
    loop {
        match blocks.byte()? {
            b';' => return Err(PixelError::Corrupt("there is no image".into())),
            b'!' => {
                let label = blocks.byte()?;
                let content = blocks.sub_block();
                if let (0xf9, Some(content)) = (label, content) {
                    let &[flags, _, _, ref rest @ ..] = content else {
                        return Err(PixelError::Truncated);
                    };
                    if flags & 1 != 0 {
                        transparent = Some(*rest.first().ok_or(PixelError::Truncated)?);
                    }
                }
                if label == 0xff && content.is_some_and(|c| c.starts_with(b"NETSCAPE2.0")) {
                    blocks.sub_block();
                }
                // As with Pillow an extension that has already ended, but a comment, swallows what
                // comes next up to an empty block.
                if content.is_some() || label != 0xfe {
                    while blocks.sub_block().is_some() {}
                }
            }
            b',' => {
                let place = (blocks.word()?, blocks.word()?);
                let size = (blocks.word()?, blocks.word()?);
                let flags = blocks.byte()?;
                let local = blocks.palette(flags)?;
                return Ok(Image {
                    screen,
                    place,
                    size,
                    interlaced: flags & 64 != 0,
                    palette: local.or(global).unwrap_or_else(Palette::gray),
                    transparent,
                    bits: blocks.byte()?,
                });
            }
            _ => {}
        }
    }
}

/// The file from a position on.
struct Blocks<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Blocks<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], PixelError> {
        let rest = self.data.get(self.at..).unwrap_or_default();
        let bytes = rest.first_chunk().ok_or(PixelError::Truncated)?;
        self.at += N;
        Ok(*bytes)
    }

    fn byte(&mut self) -> Result<u8, PixelError> {
        self.take().map(|[byte]| byte)
    }

    fn word(&mut self) -> Result<u16, PixelError> {
        self.take().map(u16::from_le_bytes)
    }

    /// The content of a block; nothing where it is empty or the file ends.
    fn sub_block(&mut self) -> Option<&'a [u8]> {
        let length = usize::from(self.byte().ok()?);
        let end = (self.at + length).min(self.data.len());
        let content = &self.data[self.at..end];
        self.at = end;
        (!content.is_empty()).then_some(content)
    }

    /// The palette that `flags` announce. As with Pillow one that is the gray scale as far as it
    /// goes counts as none, even where another one then takes its place.
    fn palette(&mut self, flags: u8) -> Result<Option<Palette>, PixelError> {
        if flags & 128 == 0 {
            return Ok(None);
        }
        let length = 3 << ((flags & 7) + 1);
        let stored = self
            .data
            .get(self.at..)
            .and_then(|rest| rest.get(..length))
            .ok_or(PixelError::Truncated)?;
        self.at += length;
        let mut colours = stored.chunks_exact(3).enumerate();
        let gray = colours.all(|(index, colour)| colour == [index as u8; 3]);
        Ok((!gray).then(|| Palette::new(stored)))
    }
}

/// Passes of an interlaced image after the first: first row, and rows to the next.
const PASSES: [(usize, usize); 3] = [(4, 8), (2, 4), (1, 2)];

/// The part of the screen that the image covers.
struct Canvas<'a> {
    pixels: &'a mut [u8],
    stride: usize,
    corner: (usize, usize),
    size: (usize, usize),
    x: usize,
    y: usize,
    passes: &'static [(usize, usize)],
    step: usize,
}

impl lzw::Canvas for Canvas<'_> {
    fn put(&mut self, mut indices: &[u8]) -> bool {
        while !indices.is_empty() {
            let count = indices.len().min(self.size.0 - self.x);
            let start = (self.corner.1 + self.y) * self.stride + self.corner.0 + self.x;
            self.pixels[start..start + count].copy_from_slice(&indices[..count]);
            indices = &indices[count..];
            self.x += count;
            if self.x == self.size.0 && !self.next_row() {
                return false;
            }
        }
        true
    }
}

impl Canvas<'_> {
    fn next_row(&mut self) -> bool {
        self.x = 0;
        self.y += self.step;
        while self.y >= self.size.1 {
            let Some((&(first, step), rest)) = self.passes.split_first() else {
                return false;
            };
            (self.y, self.step, self.passes) = (first, step, rest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::decode_bytes;

    /// Two pixels of colours 1 and 2 at (1, 1) of a screen of 3 x 2.
    fn file(extension: &[u8]) -> Vec<u8> {
        let screen = b"GIF89a\x03\0\x02\0\x81\0\0";
        let palette = [10, 11, 12, 20, 21, 22, 30, 31, 32, 40, 41, 42];
        // Codes of 3 bits: clear, 1, 2, end.
        let image = b",\x01\0\x01\0\x02\0\x01\0\0\x02\x02\x8c\x0a\0;";
        [&screen[..], &palette, extension, image].concat()
    }

    fn rgb(data: &[u8]) -> Result<Vec<u8>, PixelError> {
        decode_bytes(data, &Limits::default(), &Cancel::default()).map(|image| image.into_raw())
    }

    /// Protects: the place of the image, and the first colour or the transparent one around it.
    #[test]
    fn around_the_image() {
        let pixels = rgb(&file(b"")).unwrap();
        assert_eq!(pixels.len(), 18);
        assert_eq!(pixels[..3], [10, 11, 12]);
        assert_eq!(pixels[12..], [20, 21, 22, 30, 31, 32]);
        let pixels = rgb(&file(b"!\xf9\x04\x01\0\0\x03\0")).unwrap();
        assert_eq!(pixels[..3], [40, 41, 42]);
        assert_eq!(pixels[12..], [20, 21, 22, 30, 31, 32]);
    }

    /// Protects: every cut before the last pixel is an error and no panic.
    #[test]
    fn every_prefix_is_refused() {
        let file = file(b"!\xfe\x02hi\0");
        for length in 6..file.len() - 2 {
            assert!(rgb(&file[..length]).is_err(), "{length}");
        }
    }

    /// Protects: a screen that is too large is refused before anything is allocated.
    #[test]
    fn lying_header() {
        let mut file = file(b"");
        file[6..10].fill(0xff);
        assert_eq!(rgb(&file).unwrap_err().kind(), "too-large");
    }
}
