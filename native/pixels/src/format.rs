//! Which format a file has, told from its first bytes and never from its name.

use crate::error::PixelError;

/// The formats that are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Jpeg,
    Png,
    WebP,
    Gif,
    Bmp,
    Tiff,
}

/// The first bytes of the formats that are decoded; those of WebP are in two places.
const DECODED: &[(&[u8], Format)] = &[
    (b"\xff\xd8\xff", Format::Jpeg),
    (b"\x89PNG\r\n\x1a\n", Format::Png),
    (b"GIF87a", Format::Gif),
    (b"GIF89a", Format::Gif),
    (b"BM", Format::Bmp),
    (b"II\x2a\x00", Format::Tiff),
    (b"MM\x00\x2a", Format::Tiff),
    // Two bytes in the wrong order, which Pillow lets pass.
    (b"II\x00\x2a", Format::Tiff),
    (b"MM\x2a\x00", Format::Tiff),
    // BigTIFF.
    (b"II\x2b\x00", Format::Tiff),
    (b"MM\x00\x2b", Format::Tiff),
];

/// Known formats that are refused by name: offset, first bytes, name. Most are read by Pillow.
const REFUSED: &[(usize, &[u8], &str)] = &[
    (4, b"ftypavif", "AVIF"),
    (4, b"ftypavis", "AVIF"),
    (4, b"ftyphei", "HEIF"),
    (4, b"ftypmif1", "HEIF"),
    (0, b"\x00\x00\x00\x0cjP  ", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
    (0, b"II\xbc\x01", "JPEG XR"),
    (0, b"8BPS", "PSD"),
    (0, b"P1", "PBM"),
    (0, b"P2", "PGM"),
    (0, b"P3", "PPM"),
    (0, b"P4", "PBM"),
    (0, b"P5", "PGM"),
    (0, b"P6", "PPM"),
    (0, b"P7", "PAM"),
    (0, b"PF", "PFM"),
    (0, b"Pf", "PFM"),
    (0, b"qoif", "QOI"),
    (0, b"\x00\x00\x01\x00", "ICO"),
    // A CUR holds at least one image; a TGA begins with the type of its pixels and no palette.
    (0, b"\x00\x00\x02\x00\x00\x00", "TGA"),
    (0, b"\x00\x00\x0a\x00\x00\x00", "TGA"),
    (0, b"\x00\x00\x02\x00", "CUR"),
    (0, b"\x28\x00\x00\x00", "DIB"),
    (0, b"\x6c\x00\x00\x00", "DIB"),
    (0, b"\x7c\x00\x00\x00", "DIB"),
    (0, b"Image type:", "IM"),
    (0, b"icns", "ICNS"),
    (0, b"DDS ", "DDS"),
    (0, b"BLP1", "BLP"),
    (0, b"BLP2", "BLP"),
    (0, b"FTEX", "FTEX"),
    (0, b"SIMPLE  =", "FITS"),
    (0, b"\x01\xda", "SGI"),
    (0, b"\x59\xa6\x6a\x95", "Sun raster"),
    (0, b"\xb1\x68\xde\x3a", "DCX"),
    (0, b"\x0a\x00\x01", "PCX"),
    (0, b"\x0a\x02\x01", "PCX"),
    (0, b"\x0a\x03\x01", "PCX"),
    (0, b"\x0a\x05\x01", "PCX"),
    (4, b"\x11\xaf", "FLI"),
    (4, b"\x12\xaf", "FLC"),
    (20, b"GIMP", "GIMP brush"),
    (0, b"DanM", "MSP"),
    (0, b"LinS", "MSP"),
    (0, b"\x80\xe8\x00\x00", "PIXAR"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "FlashPix"),
    (0, b"\xd7\xcd\xc6\x9a\x00\x00", "WMF"),
    (40, b" EMF", "EMF"),
    (0, b"%!PS", "PostScript"),
    (0, b"\xc5\xd0\xd3\xc6", "PostScript"),
    (0, b"/* XPM */", "XPM"),
    (0, b"#define", "XBM"),
    (0, b"GRIB", "GRIB"),
    (0, b"BUFR", "BUFR"),
    (0, b"\x89HDF\r\n\x1a\n", "HDF5"),
    (0, b"\x76\x2f\x31\x01", "OpenEXR"),
    (0, b"%PDF", "PDF"),
    (0, b"<svg", "SVG"),
];

/// The format of `data`, or why it is refused.
pub(crate) fn sniff(data: &[u8]) -> Result<Format, PixelError> {
    if data.is_empty() {
        return Err(PixelError::Empty);
    }
    let starts_at = |offset: usize, bytes: &[u8]| {
        let rest = data.get(offset..);
        rest.is_some_and(|rest| rest.starts_with(bytes))
    };
    if starts_at(0, b"RIFF") && starts_at(8, b"WEBP") {
        return Ok(Format::WebP);
    }
    for (bytes, format) in DECODED {
        if data.starts_with(bytes) {
            return Ok(*format);
        }
    }
    for (offset, bytes, name) in REFUSED {
        if starts_at(*offset, bytes) {
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
        let error = sniff(b"8BPS......").unwrap_err();
        assert_eq!(
            error.to_string(),
            "PSD is not read: convert the file to JPEG or PNG"
        );
        let of_tga = sniff(b"\0\0\x02\0\0\0\0\0\0\0").unwrap_err();
        assert!(of_tga.to_string().starts_with("TGA "));
        let of_cur = sniff(b"\0\0\x02\0\x01\0\x20\x20\0\0").unwrap_err();
        assert!(of_cur.to_string().starts_with("CUR "));
        assert_eq!(
            sniff(b"\0\0\0\x20ftypavif....").unwrap_err().kind(),
            "unsupported-format"
        );
    }

    /// Protects: an empty file and foreign content have their own kinds.
    #[test]
    fn empty_and_unknown() {
        assert_eq!(sniff(b"").unwrap_err().kind(), "empty");
        assert_eq!(sniff(b"hello").unwrap_err().kind(), "unknown-format");
        assert_eq!(sniff(b"\xff\xd8").unwrap_err().kind(), "unknown-format");
        assert_eq!(sniff(b"RIFF....WAVE").unwrap_err().kind(), "unknown-format");
    }

    /// Protects: content decides, so the decoders are chosen by the first bytes.
    #[test]
    fn accepted() {
        for (bytes, format) in DECODED {
            assert_eq!(sniff(bytes).unwrap(), *format);
        }
        assert_eq!(sniff(b"RIFF....WEBPVP8 ").unwrap(), Format::WebP);
    }
}
