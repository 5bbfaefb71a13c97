//! The marker segments before the first scan, walked as Pillow walks them.
//!
//! Pillow reads the headers itself before libjpeg does, and is stricter in places. A file that
//! Pillow refuses there must not give pixels here.

use crate::error::PixelError;

/// What the frame header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    pub width: u32,
    pub height: u32,
    pub components: u32,
}

/// Bytes with a position. Every read says where the data ended, never panics.
struct Reader<'a> {
    data: &'a [u8],
    position: usize,
}

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let value = *self.data.get(self.position)?;
        self.position += 1;
        Some(value)
    }

    /// The content of a segment: two bytes of length, which counts itself.
    fn segment(&mut self) -> Result<&'a [u8], PixelError> {
        let high = self.byte().ok_or(PixelError::Truncated)?;
        let low = self.byte().ok_or(PixelError::Truncated)?;
        let length = usize::from(u16::from_be_bytes([high, low])).saturating_sub(2);
        let content = self
            .data
            .get(self.position..self.position + length)
            .ok_or(PixelError::Truncated)?;
        self.position += length;
        Ok(content)
    }
}

/// The frame header of a JPEG, or why Pillow would refuse the file before decoding.
pub(super) fn scan(data: &[u8]) -> Result<Frame, PixelError> {
    let mut reader = Reader { data, position: 3 };
    let mut frame = None;
    let mut pending = Some(0xff);
    while let Some(first) = pending {
        if first != 0xff {
            pending = reader.byte();
            continue;
        }
        let Some(marker) = reader.byte() else { break };
        pending = match marker {
            0xff => Some(0xff),
            0x00 => reader.byte(),
            // Start of scan: the frame header must have been seen.
            0xda => {
                reader.segment()?;
                return frame.ok_or_else(|| {
                    PixelError::Corrupt("the first scan comes before a frame header".into())
                });
            }
            0xdb => {
                check_quantization(reader.segment()?)?;
                reader.byte()
            }
            0xc4 | 0xcc | 0xdc | 0xdd | 0xdf | 0xe0..=0xef | 0xfe => {
                reader.segment()?;
                reader.byte()
            }
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf | 0xde => {
                frame = Some(parse_frame(reader.segment()?)?);
                reader.byte()
            }
            // Markers without content: JPG, restarts, start and end of image, extensions.
            0xc8 | 0xd0..=0xd9 | 0xf0..=0xfd => reader.byte(),
            _ => {
                return Err(PixelError::Corrupt(format!(
                    "unknown marker 0xff{marker:02x}"
                )))
            }
        };
    }
    Err(PixelError::Truncated)
}

fn parse_frame(content: &[u8]) -> Result<Frame, PixelError> {
    let [precision, y1, y0, x1, x0, components, specifications @ ..] = content else {
        return Err(PixelError::Corrupt("the frame header is too short".into()));
    };
    if *precision != 8 {
        return Err(PixelError::UnsupportedFeature(format!(
            "JPEG with {precision} bits a sample is not read: 8 is expected"
        )));
    }
    if ![1, 3, 4].contains(components) {
        return Err(PixelError::UnsupportedFeature(format!(
            "JPEG with {components} components is not read: 1, 3 or 4 are expected"
        )));
    }
    if specifications.len() % 3 != 0 {
        return Err(PixelError::Corrupt("the frame header is cut".into()));
    }
    let (width, height) = (
        u32::from(u16::from_be_bytes([*x1, *x0])),
        u32::from(u16::from_be_bytes([*y1, *y0])),
    );
    if width == 0 || height == 0 {
        return Err(PixelError::Corrupt("a side of the image is zero".into()));
    }
    Ok(Frame {
        width,
        height,
        components: u32::from(*components),
    })
}

fn check_quantization(mut content: &[u8]) -> Result<(), PixelError> {
    while let Some(first) = content.first() {
        let length = if first >> 4 == 0 { 65 } else { 129 };
        content = content
            .get(length..)
            .ok_or_else(|| PixelError::Corrupt("a quantisation table is cut".into()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: &[u8] = b"\xff\xd8\xff\xc0\x00\x0b\x08\x00\x02\x00\x03\x01\x01\x11\x00";

    fn with_scan(front: &[u8]) -> Vec<u8> {
        [front, b"\xff\xda\x00\x02"].concat()
    }

    /// Protects: height and width are read in the right order.
    #[test]
    fn frame_of_a_small_file() {
        let frame = scan(&with_scan(FRAME)).unwrap();
        let expected = Frame {
            width: 3,
            height: 2,
            components: 1,
        };
        assert_eq!(frame, expected);
    }

    /// Protects: padding and rubbish between segments are passed over, as Pillow does.
    #[test]
    fn padding_between_segments() {
        let padded = [FRAME, b"junk\xff\xff\xff\xfe\x00\x03x"].concat();
        assert!(scan(&with_scan(&padded)).is_ok());
    }

    /// Protects: every cut of the header is an error and no panic.
    #[test]
    fn every_prefix_is_refused() {
        let whole = with_scan(FRAME);
        for length in 3..whole.len() {
            assert!(scan(&whole[..length]).is_err());
        }
    }

    /// Protects: 12-bit files are refused with the reason.
    #[test]
    fn twelve_bits_are_named() {
        let mut file = with_scan(FRAME);
        file[6] = 12;
        assert_eq!(scan(&file).unwrap_err().kind(), "unsupported-feature");
    }
}
