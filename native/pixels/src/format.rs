//! Which format a file has, told from its first bytes and never from its name. A new one is a line of
//! `FOREIGN`, and the places that CONTRIBUTING.md lists ("Places of an addition"): who reads it, its name in the message
//! of `error.rs`, its endings.

use crate::error::PixelError;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Jpeg,
    Png,
    /// A format that this crate does not read, by its name: decoded where somebody else does
    /// ([`crate::external`]), otherwise refused.
    External(&'static str),
}

/// The first bytes of the formats that are decoded here.
const OWN: &[(&[u8], Format)] = &[
    (b"\xff\xd8\xff", Format::Jpeg),
    (b"\x89PNG\r\n\x1a\n", Format::Png),
];

/// Other formats: offset, first bytes, name. Most are read by Pillow. The bytes of WebP are in two
/// places.
const FOREIGN: &[(usize, &[u8], &str)] = &[
    (0, b"GIF87a", "GIF"),
    (0, b"GIF89a", "GIF"),
    (0, b"BM", "BMP"),
    (0, b"II\x2a\x00", "TIFF"),
    (0, b"MM\x00\x2a", "TIFF"),
    // Two bytes in the wrong order, which Pillow lets pass.
    (0, b"II\x00\x2a", "TIFF"),
    (0, b"MM\x2a\x00", "TIFF"),
    // BigTIFF.
    (0, b"II\x2b\x00", "TIFF"),
    (0, b"MM\x00\x2b", "TIFF"),
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

/// The format of `data`, if it is one that is known.
pub(crate) fn sniff(data: &[u8]) -> Result<Format, PixelError> {
    if data.is_empty() {
        return Err(PixelError::Empty);
    }
    let starts_at = |offset: usize, bytes: &[u8]| {
        let rest = data.get(offset..);
        rest.is_some_and(|rest| rest.starts_with(bytes))
    };
    if starts_at(0, b"RIFF") && starts_at(8, b"WEBP") {
        return Ok(Format::External("WebP"));
    }
    for (bytes, format) in OWN {
        if data.starts_with(bytes) {
            return Ok(*format);
        }
    }
    for (offset, bytes, name) in FOREIGN {
        if starts_at(*offset, bytes) {
            return Ok(Format::External(name));
        }
    }
    Err(PixelError::UnknownFormat)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects: the name of a format that is not decoded reaches the user.
    #[test]
    fn known_by_name() {
        for (bytes, name) in [
            (&b"8BPS......"[..], "PSD"),
            (b"\0\0\x02\0\0\0\0\0\0\0", "TGA"),
            (b"\0\0\x02\0\x01\0\x20\x20\0\0", "CUR"),
            (b"\0\0\0\x20ftypavif....", "AVIF"),
            (b"RIFF....WEBPVP8 ", "WebP"),
            (b"BM", "BMP"),
        ] {
            assert_eq!(sniff(bytes).unwrap(), Format::External(name));
        }
    }

    /// Protects: an empty file and unknown content have their own kinds.
    #[test]
    fn empty_and_unknown() {
        assert_eq!(sniff(b"").unwrap_err().kind(), "empty");
        assert_eq!(sniff(b"hello").unwrap_err().kind(), "unknown-format");
        assert_eq!(sniff(b"\xff\xd8").unwrap_err().kind(), "unknown-format");
        assert_eq!(sniff(b"RIFF....WAVE").unwrap_err().kind(), "unknown-format");
    }

    /// Protects: content decides, so the decoders are chosen by the first bytes.
    #[test]
    fn own() {
        for (bytes, format) in OWN {
            assert_eq!(sniff(bytes).unwrap(), *format);
        }
    }
}
