//! The chunks before the image data, walked as Pillow walks them.

use crate::error::PixelError;

/// How the samples of a row are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// Gray of 1, 2, 4 or 8 bits.
    Gray(u8),
    Gray16,
    GrayAlpha8,
    GrayAlpha16,
    Rgb8,
    Rgb16,
    Rgba8,
    Rgba16,
    /// Palette indices of 1, 2, 4 or 8 bits.
    Indexed(u8),
}

impl Layout {
    fn from_header(bits: u8, colour: u8) -> Option<Self> {
        Some(match (colour, bits) {
            (0, 1 | 2 | 4 | 8) => Self::Gray(bits),
            (0, 16) => Self::Gray16,
            (2, 8) => Self::Rgb8,
            (2, 16) => Self::Rgb16,
            (3, 1 | 2 | 4 | 8) => Self::Indexed(bits),
            (4, 8) => Self::GrayAlpha8,
            (4, 16) => Self::GrayAlpha16,
            (6, 8) => Self::Rgba8,
            (6, 16) => Self::Rgba16,
            _ => return None,
        })
    }

    pub fn bits_per_pixel(self) -> u8 {
        match self {
            Self::Gray(bits) | Self::Indexed(bits) => bits,
            Self::Gray16 | Self::GrayAlpha8 => 16,
            Self::Rgb8 => 24,
            Self::GrayAlpha16 | Self::Rgba8 => 32,
            Self::Rgb16 => 48,
            Self::Rgba16 => 64,
        }
    }
}

/// What comes before the image data.
#[derive(Debug)]
pub(super) struct Head {
    pub width: u32,
    pub height: u32,
    pub layout: Layout,
    pub interlaced: bool,
    /// Content of the last PLTE chunk.
    pub palette: Vec<u8>,
    /// Where the first chunk of image data starts.
    pub image_data: usize,
}

const SIGNATURE: usize = 8;

/// Header and palette. Every chunk before the image data must be complete and have its checksum.
pub(super) fn scan(data: &[u8]) -> Result<Head, PixelError> {
    let mut rest = &data[SIGNATURE..];
    let mut header = None;
    let mut palette = Vec::new();
    loop {
        let (name, length) = chunk_start(rest)?;
        if name == *b"IDAT" {
            break;
        }
        if name == *b"IEND" {
            return Err(PixelError::Corrupt("there are no image data".into()));
        }
        let end = 8usize.checked_add(length).ok_or(PixelError::Truncated)?;
        let content = rest.get(8..end).ok_or(PixelError::Truncated)?;
        let stored = rest
            .get(end..end.saturating_add(4))
            .ok_or(PixelError::Truncated)?;
        if crc32fast::hash(&rest[4..end]).to_be_bytes() != *stored {
            let name = String::from_utf8_lossy(&name).into_owned();
            return Err(PixelError::Corrupt(format!(
                "the checksum of chunk {name} is wrong"
            )));
        }
        let second = match &name {
            b"IHDR" => header.replace(parse_header(content)?).is_some(),
            b"PLTE" => !std::mem::replace(&mut palette, content.to_vec()).is_empty(),
            // What a decoder must know to read the image has a capital first.
            _ if name[0].is_ascii_uppercase() => return Err(refused("a critical chunk", &name)),
            _ => false,
        };
        if second {
            return Err(refused("a second chunk", &name));
        }
        rest = &rest[end + 4..];
    }
    let head = header.ok_or_else(|| PixelError::Corrupt("there is no header chunk".into()))?;
    if matches!(head.layout, Layout::Indexed(_)) && palette.is_empty() {
        return Err(PixelError::Corrupt("the palette is missing".into()));
    }
    Ok(Head {
        palette,
        image_data: data.len() - rest.len(),
        ..head
    })
}

fn refused(what: &str, name: &[u8; 4]) -> PixelError {
    let name = String::from_utf8_lossy(name);
    PixelError::UnsupportedFeature(format!("PNG with {what} {name} is not read"))
}

/// The chunks from the image data on, once the image is complete. As with Pillow, what follows may
/// be missing or unreadable, but a chunk beside the image data must not be cut.
pub(super) fn check_rest(data: &[u8], image_data: usize) -> Result<(), PixelError> {
    let mut rest = &data[image_data..];
    while let Ok((name, length)) = chunk_start(rest) {
        let end = length.saturating_add(8);
        match &name {
            b"IEND" | b"fcTL" => break,
            b"IDAT" | b"fdAT" => {}
            _ if end > rest.len() => return Err(PixelError::Truncated),
            _ => {}
        }
        rest = rest.get(end.saturating_add(4)..).unwrap_or_default();
    }
    Ok(())
}

fn chunk_start(rest: &[u8]) -> Result<([u8; 4], usize), PixelError> {
    let start: [u8; 8] = rest
        .get(..8)
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(PixelError::Truncated)?;
    let [a, b, c, d, name @ ..] = start;
    if !name
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
    {
        return Err(PixelError::Corrupt("a chunk has no name".into()));
    }
    let length = u32::from_be_bytes([a, b, c, d]);
    Ok((
        name,
        usize::try_from(length).map_err(|_| PixelError::Memory)?,
    ))
}

fn parse_header(content: &[u8]) -> Result<Head, PixelError> {
    let Some(&[w3, w2, w1, w0, h3, h2, h1, h0, bits, colour, compression, filter, interlace]) =
        content.first_chunk::<13>()
    else {
        return Err(PixelError::Corrupt("the header chunk is too short".into()));
    };
    let layout = Layout::from_header(bits, colour).ok_or_else(|| {
        PixelError::Corrupt(format!(
            "colour type {colour} with {bits} bits a sample does not exist"
        ))
    })?;
    if compression != 0 || filter != 0 || interlace > 1 {
        return Err(PixelError::Corrupt(
            "an unknown method of compression, filtering or interlacing".into(),
        ));
    }
    let (width, height) = (
        u32::from_be_bytes([w3, w2, w1, w0]),
        u32::from_be_bytes([h3, h2, h1, h0]),
    );
    if width == 0 || height == 0 {
        return Err(PixelError::Corrupt("a side of the image is zero".into()));
    }
    Ok(Head {
        width,
        height,
        layout,
        interlaced: interlace == 1,
        palette: Vec::new(),
        image_data: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let body = [&name[..], content].concat();
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        [&length[..], &body, &crc32fast::hash(&body).to_be_bytes()].concat()
    }

    fn file() -> Vec<u8> {
        let header = [0, 0, 0, 3, 0, 0, 0, 2, 8, 3, 0, 0, 1];
        [
            b"\x89PNG\r\n\x1a\n".to_vec(),
            chunk(b"IHDR", &header),
            chunk(b"PLTE", &[1, 2, 3]),
            chunk(b"IDAT", &[]),
        ]
        .concat()
    }

    /// Protects: header fields and palette are read from their places.
    #[test]
    fn head_of_a_small_file() {
        let head = scan(&file()).unwrap();
        assert_eq!((head.width, head.height), (3, 2));
        assert_eq!(head.layout, Layout::Indexed(8));
        assert!(head.interlaced);
        assert_eq!(head.palette, [1, 2, 3]);
    }

    /// Protects: a cut anywhere before the image data is an error and no panic.
    #[test]
    fn every_prefix_is_refused() {
        let file = file();
        for length in SIGNATURE..file.len() - 12 {
            assert!(scan(&file[..length]).is_err());
        }
    }

    /// Protects: what Pillow passes over and we do not read is named.
    #[test]
    fn refused_by_name() {
        let file = file();
        let palette = chunk(b"PLTE", &[4, 5, 6]);
        for (added, message) in [
            (
                chunk(b"CgBI", &[0; 4]),
                "PNG with a critical chunk CgBI is not read",
            ),
            (palette, "PNG with a second chunk PLTE is not read"),
        ] {
            let at = file.len() - 12;
            let error = scan(&[&file[..at], &added, &file[at..]].concat()).unwrap_err();
            assert_eq!(error.to_string(), message);
            assert_eq!(error.kind(), "unsupported-feature");
        }
    }

    /// Protects: one wrong bit in a checked chunk is found.
    #[test]
    fn checksum() {
        let mut file = file();
        file[SIGNATURE + 8] ^= 1;
        assert_eq!(scan(&file).unwrap_err().kind(), "corrupt");
    }
}
