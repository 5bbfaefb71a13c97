//! The headers of a BMP, read as Pillow reads them: its quirks decide which bytes are the pixels.

use crate::color::Palette;
use crate::error::PixelError;

/// How the pixels of a row are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// One bit a pixel, black and white.
    Bilevel,
    Gray,
    /// Palette indices of 1, 4 or 8 bits.
    Indexed(u8),
    /// 16 bits a pixel, with 5 of red, 5 or 6 of green and 5 of blue from the high bits on.
    Rgb555,
    Rgb565,
    /// Bytes a pixel, and where its red, green and blue are.
    Bytes(usize, [usize; 3]),
}

impl Layout {
    pub fn bits_per_pixel(self) -> usize {
        match self {
            Self::Bilevel => 1,
            Self::Gray => 8,
            Self::Indexed(bits) => usize::from(bits),
            Self::Rgb555 | Self::Rgb565 => 16,
            Self::Bytes(bytes, _) => 8 * bytes,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Rle8,
    Rle4,
}

/// What comes before the pixels.
pub(super) struct Header {
    pub width: u32,
    pub height: u32,
    pub top_down: bool,
    pub layout: Layout,
    pub compression: Compression,
    pub palette: Palette,
    /// Bytes from one row to the next.
    pub stride: usize,
    /// Where the pixels start.
    pub pixels: usize,
}

/// Size of the file header, after which the other one begins with its own size.
const FILE_HEADER: usize = 14;

const RLE8: u32 = 1;
const RLE4: u32 = 2;
const BITFIELDS: u32 = 3;

pub(super) fn parse(data: &[u8]) -> Result<Header, PixelError> {
    let size = u32_at(data, FILE_HEADER)? as usize;
    let end = FILE_HEADER.saturating_add(size);
    if ![12, 40, 52, 56, 64, 108, 124].contains(&size) {
        return Err(PixelError::UnsupportedFeature(format!(
            "BMP with a header of {size} bytes is not read"
        )));
    }
    let head = data.get(FILE_HEADER..end).ok_or(PixelError::Truncated)?;
    let old = size == 12;
    let (width, height, top_down, bits, compression, colours) = if old {
        let (width, height) = (u16_at(head, 4)?, u16_at(head, 6)?);
        (width.into(), height.into(), false, u16_at(head, 10)?, 0, 0)
    } else {
        let height = u32_at(head, 8)?;
        // A negative height, but only where its first byte is all ones.
        let top_down = head[11] == 0xff;
        let height = if top_down {
            height.wrapping_neg()
        } else {
            height
        };
        let bits = u16_at(head, 14)?;
        let (compression, colours) = (u32_at(head, 16)?, u32_at(head, 32)?);
        (
            u32_at(head, 4)?,
            height,
            top_down,
            bits,
            compression,
            colours,
        )
    };
    if ![1, 4, 8, 16, 24, 32].contains(&bits) {
        return Err(PixelError::UnsupportedFeature(format!(
            "BMP with {bits} bits a pixel is not read"
        )));
    }
    // A number of colours that is not given is what the bits allow.
    let colours = if colours == 0 {
        1 << bits.min(31)
    } else {
        colours
    };
    let entry = if old { 3 } else { 4 };
    let mut next = end;
    let mut layout = match bits {
        16 => Layout::Rgb555,
        24 => Layout::Bytes(3, [2, 1, 0]),
        32 => Layout::Bytes(4, [2, 1, 0]),
        bits => Layout::Indexed(bits as u8),
    };
    let compression = match compression {
        0 => Compression::None,
        RLE8 | RLE4 if bits > 8 => {
            return Err(PixelError::Corrupt(format!(
                "run-length coding of {bits} bits a pixel does not exist"
            )))
        }
        RLE8 => Compression::Rle8,
        RLE4 => Compression::Rle4,
        BITFIELDS => {
            // The masks are part of the longer headers; those of 40 bytes have them behind.
            let (masks, count) = match size {
                40 => (data, end),
                _ => (head, 40),
            };
            let mask = |index: usize| u32_at(masks, count + 4 * index);
            let alpha = if size >= 56 { mask(3)? } else { 0 };
            layout = bit_fields(bits, [mask(0)?, mask(1)?, mask(2)?], alpha)?;
            if size == 40 {
                next += 12;
            }
            Compression::None
        }
        4 => return Err(unsupported("JPEG")),
        5 => return Err(unsupported("PNG")),
        other => return Err(unsupported(&format!("method {other}"))),
    };
    let mut palette = Palette::new(&[]);
    let mut pixels = u32_at(data, 10)? as usize;
    if let Layout::Indexed(_) = layout {
        if colours > 65536 {
            return Err(PixelError::Corrupt(format!(
                "a palette of {colours} colours"
            )));
        }
        let colours = colours as usize;
        // Some files count the palette as a part of no header.
        if pixels == end {
            pixels += entry * colours;
        }
        let stored = &data[next.min(data.len())..];
        let stored = &stored[..stored.len().min(entry * colours)];
        next += stored.len();
        if is_gray(stored, entry, colours) {
            layout = if colours <= 2 {
                Layout::Bilevel
            } else {
                Layout::Gray
            };
        } else if stored.len() / entry > 256 {
            return Err(PixelError::Corrupt(format!(
                "a palette of {colours} colours"
            )));
        } else {
            let rgb: Vec<u8> = stored
                .chunks_exact(entry)
                .flat_map(|colour| [colour[2], colour[1], colour[0]])
                .collect();
            palette = Palette::new(&rgb);
        }
    }
    let row_bits = u64::from(width) * u64::from(bits);
    let stride = usize::try_from(row_bits.div_ceil(32) * 4).map_err(|_| PixelError::Memory)?;
    Ok(Header {
        width,
        height,
        top_down,
        layout,
        compression,
        palette,
        stride,
        pixels: if pixels == 0 { next } else { pixels },
    })
}

/// Whether the palette is the gray scale, or black and white: then Pillow takes the stored values
/// for gray, whatever their number of bits.
fn is_gray(stored: &[u8], entry: usize, colours: usize) -> bool {
    (0..colours).all(|index| {
        let value = if colours == 2 { 255 * index } else { index } as u8;
        let colour = stored.get(index * entry..index * entry + 3);
        colour.is_some_and(|colour| colour.iter().all(|&part| part == value))
    })
}

/// The layouts that Pillow knows by their masks.
fn bit_fields(bits: u16, [red, green, blue]: [u32; 3], alpha: u32) -> Result<Layout, PixelError> {
    const BYTE: [u32; 4] = [0xff, 0xff00, 0xff_0000, 0xff00_0000];
    let colours = match (bits, [red, green, blue], alpha) {
        (32, [0, 0, 0], 0) => return Ok(Layout::Bytes(4, [2, 1, 0])),
        (16, [0xf800, 0x7e0, 0x1f], _) => return Ok(Layout::Rgb565),
        (16, [0x7c00, 0x3e0, 0x1f], _) => return Ok(Layout::Rgb555),
        (24, [0xff_0000, 0xff00, 0xff], _) => return Ok(Layout::Bytes(3, [2, 1, 0])),
        (32, colours @ [0xff_0000, 0xff00, 0xff], 0 | 0xff00_0000)
        | (32, colours @ [0xff00_0000, 0xff_0000, 0xff00], 0 | 0xff)
        | (32, colours @ [0xff00_0000, 0xff00, 0xff], 0 | 0xff_0000)
        | (32, colours @ [0xff, 0xff00, 0xff_0000], 0xff00_0000) => colours,
        _ => {
            return Err(PixelError::UnsupportedFeature(format!(
            "BMP of {bits} bits a pixel with the masks {red:#x}, {green:#x}, {blue:#x} is not read"
        )))
        }
    };
    let place = |mask: u32| BYTE.iter().position(|&byte| byte == mask).unwrap_or(0);
    Ok(Layout::Bytes(4, colours.map(place)))
}

fn unsupported(method: &str) -> PixelError {
    PixelError::UnsupportedFeature(format!("BMP that is compressed with {method} is not read"))
}

fn u16_at(bytes: &[u8], place: usize) -> Result<u16, PixelError> {
    let found = bytes.get(place..).and_then(|rest| rest.first_chunk());
    found
        .map(|bytes| u16::from_le_bytes(*bytes))
        .ok_or(PixelError::Truncated)
}

fn u32_at(bytes: &[u8], place: usize) -> Result<u32, PixelError> {
    let found = bytes.get(place..).and_then(|rest| rest.first_chunk());
    found
        .map(|bytes| u32::from_le_bytes(*bytes))
        .ok_or(PixelError::Truncated)
}
