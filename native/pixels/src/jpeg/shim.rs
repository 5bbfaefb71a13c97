//! The safe side of `csrc/jpeg_shim.c`. No libjpeg structure is visible here: only codes cross.

use std::ffi::CStr;
use std::marker::PhantomData;
use std::ops::Range;
use std::os::raw::{c_char, c_int};
use std::ptr::NonNull;

use crate::error::PixelError;
use crate::limits::Cancel;

// Only its library is needed: the shim calls it.
use turbojpeg_sys as _;

const OK: c_int = 0;
const TRUNCATED: c_int = 1;
const CORRUPT: c_int = 2;
const CANCELLED: c_int = 3;
const SCANS: c_int = 4;
const MEMORY: c_int = 5;

#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Header {
    pub width: u32,
    pub height: u32,
    pub components: u32,
    pub precision: u32,
}

#[repr(C)]
struct RawDecoder {
    _opaque: [u8; 0],
}

extern "C" {
    fn shim_open(
        data: *const u8,
        length: usize,
        cancel: *const u8,
        max_scans: u32,
    ) -> *mut RawDecoder;
    fn shim_read_header(decoder: *mut RawDecoder, header: *mut Header) -> c_int;
    fn shim_needs_frame(decoder: *mut RawDecoder) -> c_int;
    fn shim_start(decoder: *mut RawDecoder) -> c_int;
    fn shim_is_plain(decoder: *mut RawDecoder) -> c_int;
    fn shim_read_as_defined(decoder: *mut RawDecoder);
    fn shim_crop(decoder: *mut RawDecoder, first: *mut u32, width: *mut u32) -> c_int;
    fn shim_skip(decoder: *mut RawDecoder, rows: u32) -> c_int;
    fn shim_rest_is_complete(decoder: *const RawDecoder) -> c_int;
    fn shim_read_row(decoder: *mut RawDecoder, row: *mut u8) -> c_int;
    fn shim_finish(decoder: *mut RawDecoder) -> c_int;
    fn shim_message(decoder: *const RawDecoder) -> *const c_char;
    fn shim_close(decoder: *mut RawDecoder);
    fn shim_has_simd() -> c_int;
    fn shim_library_version() -> *const c_char;
}

/// Whether libjpeg-turbo was built with its SIMD routines. The pixels do not depend on it.
pub fn has_simd() -> bool {
    // SAFETY: the function has no arguments and no state.
    unsafe { shim_has_simd() != 0 }
}

/// The version of the vendored libjpeg-turbo.
pub fn library_version() -> String {
    // SAFETY: the function returns a constant, NUL-terminated string.
    let text = unsafe { CStr::from_ptr(shim_library_version()) };
    text.to_string_lossy().into_owned()
}

/// One decompression. The calls must come in the order open, read_header, start, crop, skip,
/// read_row, finish; crop and skip may be left out.
pub(super) struct Decoder<'a> {
    raw: NonNull<RawDecoder>,
    max_scans: u32,
    /// Bytes of an output row, known once the decoder is started.
    row_bytes: usize,
    rows_left: u32,
    header: Header,
    /// The C side keeps pointers to the data and to the cancel flag.
    borrowed: PhantomData<(&'a [u8], &'a Cancel)>,
}

impl<'a> Decoder<'a> {
    pub fn open(data: &'a [u8], max_scans: u32, cancel: &'a Cancel) -> Result<Self, PixelError> {
        // SAFETY: data and cancel outlive the decoder: 'a is in its type.
        let raw = unsafe { shim_open(data.as_ptr(), data.len(), cancel.as_byte(), max_scans) };
        Ok(Self {
            raw: NonNull::new(raw).ok_or(PixelError::Memory)?,
            max_scans,
            row_bytes: 0,
            rows_left: 0,
            header: Header::default(),
            borrowed: PhantomData,
        })
    }

    pub fn read_header(&mut self) -> Result<Header, PixelError> {
        let mut header = Header::default();
        // SAFETY: raw is open; header is a valid place for the C structure of the same layout.
        let status = unsafe { shim_read_header(self.raw.as_ptr(), &mut header) };
        self.check(status)?;
        self.header = header;
        Ok(header)
    }

    pub fn start(&mut self) -> Result<(), PixelError> {
        // SAFETY: raw is open; libjpeg itself refuses a call out of order.
        let status = unsafe { shim_start(self.raw.as_ptr()) };
        self.check(status)?;
        self.row_bytes = self.header.width as usize * self.header.components as usize;
        self.rows_left = self.header.height;
        Ok(())
    }

    /// Whether the coefficients of the whole image are held before the first row comes.
    pub fn needs_frame(&mut self) -> bool {
        // SAFETY: raw is open; libjpeg itself refuses a call before the header is read.
        unsafe { shim_needs_frame(self.raw.as_ptr()) != 0 }
    }

    /// Whether the image is one scan of Huffman-coded blocks.
    pub fn is_plain(&mut self) -> bool {
        // SAFETY: as above; the parameters of a scan are zero before the header is read.
        unsafe { shim_is_plain(self.raw.as_ptr()) != 0 }
    }

    /// From now on libjpeg-turbo reads the codes of the data, which defines what they are, and not
    /// the faster `csrc/codes`.
    pub fn read_as_defined(&mut self) {
        // SAFETY: raw is open; before the start there is nothing to change.
        unsafe { shim_read_as_defined(self.raw.as_ptr()) }
    }

    /// Limits the columns of each row, before the first one, of an image that is plain. Returns
    /// those that a row then has: the same, or more at the start. Values differ from those of a
    /// whole row near either end.
    pub fn crop(&mut self, columns: Range<usize>) -> Result<Range<usize>, PixelError> {
        let (mut first, mut width) = (columns.start as u32, columns.len() as u32);
        // SAFETY: raw is open; libjpeg itself refuses columns outside the image, and a call before
        // the start or after the first row.
        let status = unsafe { shim_crop(self.raw.as_ptr(), &mut first, &mut width) };
        self.check(status)?;
        self.row_bytes = width as usize * self.header.components as usize;
        Ok(first as usize..(first + width) as usize)
    }

    /// Leaves out rows, fewer than are left, before the first one, of an image that is plain.
    pub fn skip(&mut self, rows: u32) -> Result<(), PixelError> {
        if rows >= self.rows_left || !self.is_plain() {
            return Err(PixelError::Internal("rows of another image".into()));
        }
        // SAFETY: raw is started and plain, which is what libjpeg's skipping supports.
        let status = unsafe { shim_skip(self.raw.as_ptr(), rows) };
        self.check(status)?;
        self.rows_left -= rows;
        Ok(())
    }

    /// Whether the rows that are left, of an image that is plain, would come and the end after
    /// them be found.
    pub fn rest_is_complete(&self) -> bool {
        // SAFETY: raw is open, and its source points into the data, which are still borrowed.
        unsafe { shim_rest_is_complete(self.raw.as_ptr()) != 0 }
    }

    /// Rows that were not read yet.
    pub fn rows_left(&self) -> usize {
        self.rows_left as usize
    }

    /// Bytes of a row.
    pub fn row_bytes(&self) -> usize {
        self.row_bytes
    }

    pub fn read_row(&mut self, row: &mut [u8]) -> Result<(), PixelError> {
        if self.rows_left == 0 || row.len() != self.row_bytes {
            return Err(PixelError::Internal("a row of another image".into()));
        }
        // SAFETY: raw is started, a row is left, and row has width times components bytes, the
        // width being that of the image or of its crop, which is what libjpeg writes for the
        // colour spaces that shim_start and shim_start_embedded set.
        let status = unsafe { shim_read_row(self.raw.as_ptr(), row.as_mut_ptr()) };
        self.check(status)?;
        self.rows_left -= 1;
        Ok(())
    }

    pub fn finish(&mut self) -> Result<(), PixelError> {
        // SAFETY: raw is open; libjpeg itself refuses a call before the last row.
        let status = unsafe { shim_finish(self.raw.as_ptr()) };
        self.check(status)
    }

    fn check(&self, status: c_int) -> Result<(), PixelError> {
        match status {
            OK => Ok(()),
            TRUNCATED => Err(PixelError::Truncated),
            CORRUPT => Err(PixelError::Corrupt(self.message())),
            CANCELLED => Err(PixelError::Cancelled),
            SCANS => Err(PixelError::TooLarge {
                what: "the number of scans",
                found: u64::from(self.max_scans) + 1,
                limit: u64::from(self.max_scans),
            }),
            MEMORY => Err(PixelError::Memory),
            other => Err(PixelError::Internal(format!("unknown status {other}"))),
        }
    }

    fn message(&self) -> String {
        // SAFETY: raw is open, and its message is always NUL-terminated.
        let text = unsafe { CStr::from_ptr(shim_message(self.raw.as_ptr())) };
        text.to_string_lossy().into_owned()
    }
}

impl Drop for Decoder<'_> {
    fn drop(&mut self) {
        // SAFETY: raw is open and is not used again.
        unsafe { shim_close(self.raw.as_ptr()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &[u8] = include_bytes!("../../../fuzz/seeds/jpeg/420");

    /// Started, so that the codes are read by the faster way.
    fn started(cancel: &Cancel) -> Decoder<'_> {
        let mut decoder = Decoder::open(FILE, 1, cancel).unwrap();
        decoder.read_header().unwrap();
        decoder.start().unwrap();
        assert!(decoder.is_plain());
        decoder
    }

    fn rows(decoder: &mut Decoder) -> Vec<u8> {
        let mut rows = vec![0; decoder.rows_left() * decoder.row_bytes()];
        for row in rows.chunks_exact_mut(decoder.row_bytes()) {
            decoder.read_row(row).unwrap();
        }
        rows
    }

    /// Protects: a start that libjpeg refuses leaves the started image as it was.
    #[test]
    fn second_start_is_refused() {
        let cancel = Cancel::default();
        let mut decoder = started(&cancel);
        let expected = rows(&mut started(&cancel));
        assert_eq!(decoder.start().unwrap_err().kind(), "corrupt");
        assert!(rows(&mut decoder) == expected);
    }

    /// Protects: what is left of an image is not touched once its memory is given back.
    #[test]
    fn no_codes_after_the_image() {
        let cancel = Cancel::default();
        let mut decoder = started(&cancel);
        rows(&mut decoder);
        decoder.finish().unwrap();
        decoder.read_as_defined();
    }
}
