//! WebP to RGB with libwebp, as Pillow calls it: the first frame on an empty canvas, where alpha is
//! dropped and not blended.

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::os::raw::c_int;
use std::ptr::{self, NonNull};

use libwebp_sys as ffi;

use crate::error::PixelError;
use crate::frame::{Frame, Pixels};
use crate::image::{RgbImage, CHANNELS};
use crate::limits::{Cancel, Limits, Turns};
use crate::load::Source;

/// Chunks of a file at most: libwebp keeps a record of each before it looks at any. An animation
/// has one a frame.
const MAX_CHUNKS: u64 = 1 << 20;

/// The version of the vendored libwebp.
pub fn library_version() -> String {
    // SAFETY: the function has no arguments and no state.
    let version = unsafe { ffi::WebPGetDecoderVersion() };
    format!(
        "{}.{}.{}",
        version >> 16,
        (version >> 8) & 0xff,
        version & 0xff
    )
}

/// The rows of a WebP, decoded whole. One look at the cancel flag comes before.
pub(crate) fn open<'a>(
    data: &'a [u8],
    limits: &Limits,
    cancel: &'a Cancel,
    turns: &'a Turns,
) -> Result<Box<dyn Source + 'a>, PixelError> {
    let (width, height) = canvas_size(data)?;
    limits.check_pixels(width, height)?;
    check_chunks(data)?;
    let turn = turns.take(width, height, cancel)?;
    let demuxer = Demuxer::open(data)?;
    if demuxer.canvas() != (width, height) {
        return Err(PixelError::Corrupt("two headers contradict".into()));
    }
    let mut image = RgbImage::black(width as usize, height as usize)?;
    cancel.check()?;
    demuxer.paint(&mut image)?;
    Ok(Box::new(Frame::new(Pixels::Rgb(image), turn)))
}

/// (width, height), from the start of the file alone.
fn canvas_size(data: &[u8]) -> Result<(u32, u32), PixelError> {
    let (kind, head) = data
        .get(12..)
        .and_then(|rest| rest.split_first_chunk::<8>())
        .ok_or(PixelError::Truncated)?;
    let cut = || PixelError::Truncated;
    match &kind[..4] {
        b"VP8 " => {
            let &[_, _, _, s0, s1, s2, w0, w1, h0, h1] = head.first_chunk().ok_or_else(cut)?;
            if [s0, s1, s2] == [0x9d, 0x01, 0x2a] {
                let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
                return Ok((side(w0, w1), side(h0, h1)));
            }
        }
        b"VP8L" => {
            let &[mark, a, b, c, d] = head.first_chunk().ok_or_else(cut)?;
            if mark == 0x2f {
                let bits = u32::from_le_bytes([a, b, c, d]);
                return Ok(((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1));
            }
        }
        b"VP8X" => {
            let &[_, _, _, _, w0, w1, w2, h0, h1, h2] = head.first_chunk().ok_or_else(cut)?;
            let side = |a, b, c| u32::from_le_bytes([a, b, c, 0]) + 1;
            return Ok((side(w0, w1, w2), side(h0, h1, h2)));
        }
        _ => {}
    }
    Err(PixelError::Corrupt("there is no header of an image".into()))
}

/// Refuses a file of more chunks than an image has.
fn check_chunks(data: &[u8]) -> Result<(), PixelError> {
    let mut at = 12usize;
    let mut found = 0;
    while let Some(&[_, _, _, _, a, b, c, d]) = data.get(at..).and_then(|rest| rest.first_chunk()) {
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        at = at.saturating_add(8 + length + length % 2);
        found += 1;
        if found > MAX_CHUNKS {
            return Err(PixelError::TooLarge {
                what: "the number of chunks",
                found,
                limit: MAX_CHUNKS,
            });
        }
    }
    Ok(())
}

/// A file taken apart by libwebp.
struct Demuxer<'a> {
    raw: NonNull<ffi::WebPDemuxer>,
    /// The C side keeps pointers into the data.
    borrowed: PhantomData<&'a [u8]>,
}

impl<'a> Demuxer<'a> {
    /// The file must be complete.
    fn open(data: &'a [u8]) -> Result<Self, PixelError> {
        let mut features = MaybeUninit::uninit();
        // SAFETY: pointer and length are those of `data`; the features are not read.
        let status =
            unsafe { ffi::WebPGetFeatures(data.as_ptr(), data.len(), features.as_mut_ptr()) };
        check(status)?;
        let stored = ffi::WebPData {
            bytes: data.as_ptr(),
            size: data.len(),
        };
        // SAFETY: `stored` describes `data`, which outlives the demuxer: 'a is in its type.
        let raw = unsafe {
            let version = ffi::WEBP_DEMUX_ABI_VERSION as c_int;
            ffi::WebPDemuxInternal(&stored, 0, ptr::null_mut(), version)
        };
        Ok(Self {
            // libwebp does not say why there is none.
            raw: NonNull::new(raw).ok_or_else(|| {
                PixelError::Corrupt("it is cut, or its chunks contradict each other".into())
            })?,
            borrowed: PhantomData,
        })
    }

    /// (width, height).
    fn canvas(&self) -> (u32, u32) {
        use ffi::WebPFormatFeature::{WEBP_FF_CANVAS_HEIGHT, WEBP_FF_CANVAS_WIDTH};
        // SAFETY: raw is open.
        let feature = |which| unsafe { ffi::WebPDemuxGetI(self.raw.as_ptr(), which) };
        (
            feature(WEBP_FF_CANVAS_WIDTH),
            feature(WEBP_FF_CANVAS_HEIGHT),
        )
    }

    /// Decodes the first frame into its place on the canvas, which has the size of `canvas`.
    fn paint(&self, canvas: &mut RgbImage) -> Result<(), PixelError> {
        let mut iterator = MaybeUninit::uninit();
        // SAFETY: raw is open; the iterator is written before it is read, holds nothing that must
        // be released, and points into the data, which are still borrowed.
        let frame = unsafe {
            if ffi::WebPDemuxGetFrame(self.raw.as_ptr(), 1, iterator.as_mut_ptr()) == 0 {
                return Err(PixelError::Corrupt("there is no image".into()));
            }
            iterator.assume_init()
        };
        let side = |value: c_int| usize::try_from(value).unwrap_or(0);
        let (left, top) = (side(frame.x_offset), side(frame.y_offset));
        let (width, height) = (side(frame.width), side(frame.height));
        if width == 0
            || height == 0
            || left + width > canvas.width()
            || top + height > canvas.height()
        {
            return Err(PixelError::Corrupt("a frame outside the canvas".into()));
        }
        let stride = canvas.width() * CHANNELS;
        let pixels = &mut canvas.rows_mut(top..top + height)[left * CHANNELS..];
        let mut config =
            ffi::WebPDecoderConfig::new().map_err(|()| PixelError::Internal("libwebp".into()))?;
        config.output.colorspace = ffi::WEBP_CSP_MODE::MODE_RGB;
        config.output.is_external_memory = 1;
        config.output.u.RGBA = ffi::WebPRGBABuffer {
            rgba: pixels.as_mut_ptr(),
            stride: stride as c_int,
            size: pixels.len(),
        };
        let data = frame.fragment;
        // SAFETY: the fragment lies in the data, which are still borrowed. The output is `pixels`,
        // whose length libwebp compares with the size of the image before it writes.
        let status = unsafe { ffi::WebPDecode(data.bytes, data.size, &mut config) };
        // libwebp says this of opacity that it cannot decode.
        if status == ffi::VP8StatusCode::VP8_STATUS_OUT_OF_MEMORY && frame.has_alpha != 0 {
            return Err(PixelError::Corrupt(
                "libwebp cannot decode the opacity, or has no memory for it".into(),
            ));
        }
        check(status)
    }
}

impl Drop for Demuxer<'_> {
    fn drop(&mut self) {
        // SAFETY: raw is open and is not used again.
        unsafe { ffi::WebPDemuxDelete(self.raw.as_ptr()) }
    }
}

fn check(status: ffi::VP8StatusCode) -> Result<(), PixelError> {
    use ffi::VP8StatusCode as Status;
    match status {
        Status::VP8_STATUS_OK => Ok(()),
        Status::VP8_STATUS_OUT_OF_MEMORY => Err(PixelError::Memory),
        Status::VP8_STATUS_SUSPENDED | Status::VP8_STATUS_NOT_ENOUGH_DATA => {
            Err(PixelError::Truncated)
        }
        Status::VP8_STATUS_UNSUPPORTED_FEATURE => Err(PixelError::UnsupportedFeature(
            "WebP with a feature that libwebp does not know is not read".into(),
        )),
        Status::VP8_STATUS_BITSTREAM_ERROR => Err(PixelError::Corrupt(
            "libwebp cannot decode the pixels".into(),
        )),
        other => Err(PixelError::Internal(format!("libwebp: {other:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::decode_bytes;

    /// Two pixels, lossless: red and green.
    const LOSSLESS: &[u8] = b"RIFF\x1e\0\0\0WEBPVP8L\x11\0\0\0/\x01\0\0\0\x0f\xb0\xff\xf3\
        \x1f\xf3\x1f\x152\xa2\xff\x01\0";

    /// The chunk of four gray pixels, lossy, without its name.
    const LOSSY: &[u8] =
        b"\x18\0\0\0\x30\x01\0\x9d\x01\x2a\x02\0\x02\0\x0c\xc0\xce\x25\xa4\0\x03\x70\0\
        \xfe\xeb\xd4\x80\0";

    fn rgb(data: &[u8]) -> Result<Vec<u8>, PixelError> {
        decode_bytes(data, &Limits::default(), &Cancel::default()).map(|image| image.into_raw())
    }

    /// Protects: the way through libwebp, and the version whose pixels are the definition.
    #[test]
    fn two_pixels() {
        assert_eq!(rgb(LOSSLESS).unwrap(), [255, 0, 0, 0, 255, 0]);
        assert_eq!(library_version(), "1.6.0");
    }

    /// Protects: every cut is an error and no panic.
    #[test]
    fn every_prefix_is_refused() {
        for length in 0..LOSSLESS.len() {
            assert!(rgb(&LOSSLESS[..length]).is_err());
        }
    }

    /// Protects: damage is called damage, and not a lack of memory, which would be the machine's.
    #[test]
    fn damaged_opacity() {
        // A lossy image of two pixels by two behind opacity of an unknown filter and method.
        let mut file = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x10\0\0\0\x01\0\0\x01\0\0".to_vec();
        file.extend_from_slice(b"ALPH\x02\0\0\0\x03\0VP8 ");
        file.extend_from_slice(LOSSY);
        let size = file.len() as u32 - 8;
        file[4..8].copy_from_slice(&size.to_le_bytes());
        assert_eq!(rgb(&file).unwrap_err().kind(), "corrupt");
    }

    /// Protects: a header that claims a huge canvas is refused before anything is allocated.
    #[test]
    fn lying_header() {
        let mut file = b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0".to_vec();
        file.extend_from_slice(&[0xff; 6]);
        assert_eq!(rgb(&file).unwrap_err().kind(), "too-large");
    }

    /// Protects: memory. A file of nothing but chunks is not handed to libwebp.
    #[test]
    fn too_many_chunks() {
        let mut file = b"RIFF\0\0\0\x01WEBPVP8X\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec();
        file.resize(30 + 8 * MAX_CHUNKS as usize, 0);
        assert_eq!(rgb(&file).unwrap_err().kind(), "too-large");
    }
}
