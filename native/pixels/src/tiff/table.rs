//! Pillow's table: which combinations of tags are an image, and of what samples.

use super::layout::refused;
use crate::error::PixelError;

/// How a sample is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sample {
    /// 1, 2, 4 or 8 bits, the first in the highest.
    Bits(u8),
    /// 12 bits, the high ones first.
    Twelve,
    /// 16 bits.
    Word,
    SignedWord,
    /// 32 bits. Where there is no sign, the largest values count as negative, as with Pillow.
    Long,
    Float,
}

impl Sample {
    pub fn bits(self) -> usize {
        match self {
            Self::Bits(bits) => bits.into(),
            Self::Twelve => 12,
            Self::Word | Self::SignedWord => 16,
            Self::Long | Self::Float => 32,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Gray,
    /// Gray where 0 is white.
    Inverted,
    Indexed,
    Rgb,
    /// Red, green and blue that were multiplied by the fourth sample.
    Multiplied,
    Cmyk,
    /// YCbCr. JPEG turns it into RGB; otherwise it is not read.
    Luminance,
}

/// A pixel whose samples lie beside each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pixel {
    pub kind: Kind,
    pub sample: Sample,
    pub samples: usize,
}

/// The key of the table, less the bits of the samples and the meanings of those beyond the colours.
pub(super) struct Found {
    pub big: bool,
    pub photometric: u32,
    pub format: Option<u32>,
    pub fill_order: u32,
}

impl Found {
    pub fn pixel(&self, bits: &[u32], extra: &[u32]) -> Result<Pixel, PixelError> {
        let unknown = || {
            refused(&format!(
                "of photometric {} with {bits:?} bits a sample",
                self.photometric
            ))
        };
        if self.photometric == 8 {
            return Err(refused("in the colours of CIELAB"));
        }
        let format = self.format.ok_or_else(unknown)?;
        let gray = if self.photometric == 0 {
            Kind::Inverted
        } else {
            Kind::Gray
        };
        let little = !self.big;
        let one = |kind, sample| (kind, sample, 1);
        let (kind, sample, samples) = match (self.photometric, format, self.fill_order, bits, extra)
        {
            (0 | 1, 1, 1 | 2, &[bits @ (1 | 2 | 4 | 8)], []) => one(gray, Sample::Bits(bits as u8)),
            // The sign is not looked at.
            (1, 2, 1, [8], []) | (6, 1, 1, [8], []) => one(Kind::Gray, Sample::Bits(8)),
            (1, 1, 1, [12], []) if little => one(Kind::Gray, Sample::Twelve),
            // 0 stays black, even where the file says that it is white.
            (0, 1, 1, [16], []) | (1, 1, 2, [16], []) if little => one(Kind::Gray, Sample::Word),
            (1, 1, 1, [16], []) => one(Kind::Gray, Sample::Word),
            (1, 2, 1, [16], []) => one(Kind::Gray, Sample::SignedWord),
            (1, 1, 1, [32], []) if little => one(Kind::Gray, Sample::Long),
            (1, 2, 1, [32], []) => one(Kind::Gray, Sample::Long),
            (0 | 1, 3, 1, [32], []) => one(Kind::Gray, Sample::Float),
            (1, 1, 1, [8, 8], [0 | 2]) => (Kind::Gray, Sample::Bits(8), 2),
            (3, 1, 1 | 2, &[bits @ (1 | 2 | 4 | 8)], []) => {
                one(Kind::Indexed, Sample::Bits(bits as u8))
            }
            (3, 1, 1, [8, 8], [0 | 2]) => (Kind::Indexed, Sample::Bits(8), 2),
            (2, 1, 1 | 2, [8, 8, 8], []) => (Kind::Rgb, Sample::Bits(8), 3),
            (6, 1, 1, [8, 8, 8], []) => (Kind::Luminance, Sample::Bits(8), 3),
            (2, 1, 1, [16, 16, 16], []) => (Kind::Rgb, Sample::Word, 3),
            (2, 1, 1, &[8 | 16, ..], extra) if bits.iter().all(|other| *other == bits[0]) => {
                let kind = match (bits[0], bits.len(), extra) {
                    (_, 4, [] | [0] | [2]) | (8, 4, [999]) => Kind::Rgb,
                    (8, 5, [0 | 2, 0]) | (8, 6, [0 | 2, 0, 0]) => Kind::Rgb,
                    (_, 4, [1]) | (8, 5, [1, 0]) | (8, 6, [1, 0, 0]) => Kind::Multiplied,
                    _ => return Err(unknown()),
                };
                let sample = if bits[0] == 8 {
                    Sample::Bits(8)
                } else {
                    Sample::Word
                };
                (kind, sample, bits.len())
            }
            (5, 1, 1, [8, 8, 8, 8], [])
            | (5, 1, 1, [8, 8, 8, 8, 8], [0])
            | (5, 1, 1, [8, 8, 8, 8, 8, 8], [0, 0]) => (Kind::Cmyk, Sample::Bits(8), bits.len()),
            (5, 1, 1, [16, 16, 16, 16], []) => (Kind::Cmyk, Sample::Word, 4),
            _ => return Err(unknown()),
        };
        Ok(Pixel {
            kind,
            sample,
            samples,
        })
    }
}
