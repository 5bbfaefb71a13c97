//! Which format a file has, told from its first bytes and never from its name.

use crate::error::PixelError;

/// The formats that are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Jpeg,
    Png,
}

/// Known formats that are refused by name: offset, first bytes, name.
const REFUSED: &[(usize, &[u8], &str)] = &[
    (0, b"GIF87a", "GIF"),
    (0, b"GIF89a", "GIF"),
    (0, b"BM", "BMP"),
    (0, b"II\x2a\x00", "TIFF"),
    (0, b"MM\x00\x2a", "TIFF"),
    (0, b"II\x2b\x00", "BigTIFF"),
    (0, b"MM\x00\x2b", "BigTIFF"),
    (8, b"WEBP", "WebP"),
    (4, b"ftypavif", "AVIF"),
    (4, b"ftypavis", "AVIF"),
    (4, b"ftyphei", "HEIF"),
    (4, b"ftypmif1", "HEIF"),
    (0, b"\x00\x00\x00\x0cjP  ", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
    (0, b"8BPS", "PSD"),
    (0, b"P1", "PBM"),
    (0, b"P2", "PGM"),
    (0, b"P3", "PPM"),
    (0, b"P4", "PBM"),
    (0, b"P5", "PGM"),
    (0, b"P6", "PPM"),
    (0, b"qoif", "QOI"),
    (0, b"\x00\x00\x01\x00", "ICO"),
    (0, b"%PDF", "PDF"),
    (0, b"<svg", "SVG"),
];

/// The format of `data`, or why it is refused.
pub(crate) fn sniff(data: &[u8]) -> Result<Format, PixelError> {
    if data.is_empty() {
        return Err(PixelError::Empty);
    }
    if data.starts_with(b"\xff\xd8\xff") {
        return Ok(Format::Jpeg);
    }
    if data.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Ok(Format::Png);
    }
    for (offset, magic, name) in REFUSED {
        if data
            .get(*offset..)
            .is_some_and(|rest| rest.starts_with(magic))
        {
            return Err(PixelError::UnsupportedFormat(name));
        }
    }
    Err(PixelError::UnknownFormat)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects: the name of a refused format reaches the user.
    #[test]
    fn refused_by_name() {
        let error = sniff(b"GIF89a......").unwrap_err();
        assert_eq!(
            error.to_string(),
            "GIF is not read: convert the file to JPEG or PNG"
        );
        assert_eq!(
            sniff(b"RIFF....WEBPVP8 ").unwrap_err().kind(),
            "unsupported-format"
        );
    }

    /// Protects: an empty file and foreign content have their own kinds.
    #[test]
    fn empty_and_unknown() {
        assert_eq!(sniff(b"").unwrap_err().kind(), "empty");
        assert_eq!(sniff(b"hello").unwrap_err().kind(), "unknown-format");
        assert_eq!(sniff(b"\xff\xd8").unwrap_err().kind(), "unknown-format");
    }

    /// Protects: content decides, so the two decoders are chosen by their first bytes.
    #[test]
    fn accepted() {
        assert_eq!(sniff(b"\xff\xd8\xff\xe0").unwrap(), Format::Jpeg);
        assert_eq!(sniff(b"\x89PNG\r\n\x1a\n").unwrap(), Format::Png);
    }
}
