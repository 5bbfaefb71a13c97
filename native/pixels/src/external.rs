//! Formats that this crate does not read itself: somebody else decodes them, and the crop is made
//! here, as of every image.

use std::fmt;
use std::ops::Range;

use crate::error::PixelError;
use crate::image::CHANNELS;
use crate::limits::{Cancel, Limits, Permit, Permits};
use crate::load::{Source, Wanted};

/// Decodes files of other formats. Its methods are called from the threads of a loader, several at
/// once; they may block, and no lock of this crate is held meanwhile.
pub trait ExternalDecoder: Send + Sync + fmt::Debug {
    /// Whether files of a format are its to decode. The name is one of those in `format.rs`.
    fn reads(&self, format: &str) -> bool;

    /// Reads the headers of a file.
    fn open(&self, data: Vec<u8>) -> Result<Box<dyn ExternalImage>, PixelError>;
}

/// An image whose headers were read. The methods are called in the order below, `rows` any number of
/// times.
pub trait ExternalImage {
    /// (height, width) that the headers state. Checked before anything is decoded.
    fn size(&self) -> (usize, usize);

    /// Decodes all pixels, and returns their (height, width).
    fn decode(&mut self) -> Result<(usize, usize), PixelError>;

    /// A part of the pixels: RGB, row by row, into `out` of just as many bytes.
    fn rows(
        &mut self,
        rows: Range<usize>,
        columns: Range<usize>,
        out: &mut [u8],
    ) -> Result<(), PixelError>;
}

/// Bytes that are asked for at once, at least a row.
const BAND: usize = 1 << 19;

/// The rows of an image that the external decoder decoded, which holds them all.
pub(crate) struct Reader<'a> {
    image: Box<dyn ExternalImage>,
    size: (usize, usize),
    wanted: Wanted,
    /// What was asked for last, and how much of it was given on.
    band: Vec<u8>,
    given: usize,
    /// Dropped after the image.
    _permit: Option<LargePermit<'a>>,
}

/// The permit of a large image, whose memory goes back to the system before the next one begins.
struct LargePermit<'a> {
    _permit: Permit<'a>,
}

impl Drop for LargePermit<'_> {
    /// The allocator of glibc keeps blocks of up to 32 MiB for the thread that freed them: with every
    /// thread's the memory of one image would be that of as many as there are threads.
    fn drop(&mut self) {
        #[cfg(all(target_os = "linux", target_env = "gnu"))]
        // SAFETY: the function may be called at any time, by any thread.
        unsafe {
            libc::malloc_trim(0);
        }
    }
}

impl<'a> Reader<'a> {
    /// Decodes the whole image. The cancel flag is looked at before, not meanwhile.
    pub fn open(
        decoder: &dyn ExternalDecoder,
        data: Vec<u8>,
        limits: &Limits,
        cancel: &Cancel,
        permits: &'a Permits,
    ) -> Result<Self, PixelError> {
        cancel.check()?;
        let mut image = decoder.open(data)?;
        check_size(limits, image.size())?;
        let (height, width) = image.size();
        let permit = permits.take(width as u32, height as u32, cancel)?;
        cancel.check()?;
        let size = image.decode()?;
        check_size(limits, size)?;
        Ok(Self {
            image,
            size,
            wanted: Wanted::default(),
            band: Vec::new(),
            given: 0,
            _permit: permit.map(|permit| LargePermit { _permit: permit }),
        })
    }
}

/// Numbers of the external decoder are held to the limits as those of a file are.
fn check_size(limits: &Limits, (height, width): (usize, usize)) -> Result<(), PixelError> {
    let side = |side| u32::try_from(side).unwrap_or(u32::MAX);
    if height == 0 || width == 0 {
        return Err(PixelError::Corrupt("a side of the image is zero".into()));
    }
    limits.check_pixels(side(width), side(height))
}

impl Source for Reader<'_> {
    fn size(&self) -> (usize, usize) {
        self.size
    }

    fn want(
        &mut self,
        rows: Range<usize>,
        columns: Range<usize>,
    ) -> Result<Range<usize>, PixelError> {
        self.band.clear();
        self.given = 0;
        Ok(self.wanted.set(rows, columns))
    }

    fn read(&mut self, row: &mut [u8]) -> Result<(), PixelError> {
        if self.given == self.band.len() {
            let stride = self.wanted.columns.len() * CHANNELS;
            let rows = self.wanted.next_rows((BAND / stride.max(1)).max(1))?;
            self.band.clear();
            self.band
                .try_reserve_exact(rows.len() * stride)
                .map_err(|_| PixelError::Memory)?;
            self.band.resize(rows.len() * stride, 0);
            self.given = 0;
            let columns = self.wanted.columns.clone();
            self.image.rows(rows, columns, &mut self.band)?;
        }
        let end = self.given + row.len();
        row.copy_from_slice(&self.band[self.given..end]);
        self.given = end;
        Ok(())
    }

    fn finish(&mut self) -> Result<(), PixelError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::decode_with;
    use crate::image::RgbImage;

    /// The pixel at row y and column x is (y, x, first byte of the file), each wrapped to a byte.
    #[derive(Debug, Clone, Copy)]
    struct Script {
        stated: (usize, usize),
        found: (usize, usize),
        first: u8,
    }

    impl ExternalDecoder for Script {
        fn reads(&self, format: &str) -> bool {
            format == "BMP"
        }

        fn open(&self, data: Vec<u8>) -> Result<Box<dyn ExternalImage>, PixelError> {
            let first = data[0];
            Ok(Box::new(Self { first, ..*self }))
        }
    }

    impl ExternalImage for Script {
        fn size(&self) -> (usize, usize) {
            self.stated
        }

        fn decode(&mut self) -> Result<(usize, usize), PixelError> {
            Ok(self.found)
        }

        fn rows(
            &mut self,
            rows: Range<usize>,
            columns: Range<usize>,
            out: &mut [u8],
        ) -> Result<(), PixelError> {
            assert_eq!(out.len(), rows.len() * columns.len() * CHANNELS);
            let places = rows.flat_map(|y| columns.clone().map(move |x| (y, x)));
            for ((y, x), pixel) in places.zip(out.chunks_exact_mut(CHANNELS)) {
                pixel.copy_from_slice(&[y as u8, x as u8, self.first]);
            }
            Ok(())
        }
    }

    fn decode(script: Script, data: &[u8]) -> Result<RgbImage, PixelError> {
        decode_with(
            Some(&script),
            data.to_vec(),
            &Limits::default(),
            &Cancel::default(),
        )
    }

    fn of(stated: (usize, usize), found: (usize, usize)) -> Script {
        Script {
            stated,
            found,
            first: 0,
        }
    }

    /// Protects: bands of rows join, and a part of the columns is a part of each row. The size that
    /// counts is that of the pixels: a header may state them before they are turned.
    #[test]
    fn bands_and_parts() {
        let (height, width) = (700, 300);
        assert!(height * width * CHANNELS > BAND);
        let image = decode(of((300, 700), (height, width)), b"BM").unwrap();
        assert_eq!((image.height(), image.width()), (height, width));
        for (y, x) in [(0, 0), (3, 299), (582, 0), (583, 7), (699, 299)] {
            assert_eq!(image.row(y)[3 * x..][..3], [y as u8, x as u8, b'B']);
        }
        let (script, cancel, permits) = (of((9, 9), (9, 9)), Cancel::default(), Permits::default());
        let limits = Limits::default();
        let mut reader = Reader::open(&script, b"BM".to_vec(), &limits, &cancel, &permits).unwrap();
        assert_eq!(reader.want(4..6, 2..4).unwrap(), 2..4);
        let mut row = [0; 6];
        for y in [4, 5] {
            reader.read(&mut row).unwrap();
            assert_eq!(row, [y, 2, b'B', y, 3, b'B']);
        }
        assert!(reader.read(&mut row).is_err());
    }

    /// Protects: what an external decoder says of sizes is believed no more than a file is.
    #[test]
    fn sizes_are_checked() {
        for (stated, found) in [
            ((1, 1_000_001), (1, 1)),
            ((1, 1), (20_000, 20_000)),
            ((1, 1), (1 << 40, 1)),
        ] {
            let error = decode(of(stated, found), b"BM").unwrap_err();
            assert_eq!(error.kind(), "too-large");
        }
        assert!(decode(of((0, 3), (1, 1)), b"BM").is_err());
    }

    /// Protects: a format that nobody decodes is refused by name, and one that is our own never
    /// asked for.
    #[test]
    fn formats() {
        let error = decode(of((1, 1), (1, 1)), b"GIF89a").unwrap_err();
        assert_eq!(
            error.to_string(),
            "GIF is not read: convert the file to JPEG or PNG"
        );
        assert_eq!(
            decode(of((1, 1), (1, 1)), b"\xff\xd8\xff")
                .unwrap_err()
                .kind(),
            "truncated"
        );
        let cancel = Cancel::default();
        let none = decode_with(None, b"BM".to_vec(), &Limits::default(), &cancel).unwrap_err();
        assert_eq!(none.kind(), "unsupported-format");
    }
}
