//! What one item may cost, and how a caller stops the work.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::error::PixelError;

/// Bounds on one item. Memory of a batch is at most workers times what one item may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest width times height, of the image and of the target of its resize. The default, 178 956 970, is where Pillow refuses a file as a
    /// decompression bomb (twice its `MAX_IMAGE_PIXELS`), so that both refuse the same files.
    pub max_pixels: u64,
    /// Longest side of an image. The default, 1 000 000, is libpng's own. A strip costs more than
    /// another image of as many pixels: the weights of a resize grow with the sides, so that those
    /// of 179 million pixels in a row take a minute.
    pub max_side: u32,
    /// Largest file in bytes. The default, 1 GiB, is more than the largest permitted image takes
    /// without any compression.
    pub max_file_bytes: u64,
    /// Largest number of scans of a JPEG. The default, 1000, is far above what encoders write
    /// (about 10) and bounds the time that a small hostile file can take.
    pub max_scans: u32,
    /// Largest number of scans of a JPEG times its pixels. A scan of a few bytes can go over every
    /// block of the image. The default permits 12 scans of the largest image and 100 of 21 million
    /// pixels.
    pub max_scanned: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_pixels: 178_956_970,
            max_side: 1_000_000,
            max_file_bytes: 1 << 30,
            max_scans: 1000,
            max_scanned: 12 * 178_956_970,
        }
    }
}

impl Limits {
    pub(crate) fn check_pixels(&self, width: u32, height: u32) -> Result<(), PixelError> {
        self.check_product("the number of pixels", width.into(), height.into())?;
        if width.max(height) > self.max_side {
            return Err(PixelError::TooLarge {
                what: "the longer side in pixels",
                found: width.max(height).into(),
                limit: self.max_side.into(),
            });
        }
        Ok(())
    }

    /// Scans that a JPEG of this size may have, at least one.
    pub(crate) fn scans(&self, width: u32, height: u32) -> u32 {
        let pixels = u64::from(width) * u64::from(height);
        let scans = self.max_scanned / pixels.max(1);
        u32::try_from(scans)
            .unwrap_or(u32::MAX)
            .clamp(1, self.max_scans.max(1))
    }

    /// The size after a resize. A narrow image of few pixels can have a vast one.
    pub(crate) fn check_target(&self, width: usize, height: usize) -> Result<(), PixelError> {
        let what = "the number of pixels after the resize";
        self.check_product(what, width as u64, height as u64)
    }

    fn check_product(&self, what: &'static str, one: u64, other: u64) -> Result<(), PixelError> {
        let found = one.saturating_mul(other);
        if found > self.max_pixels {
            return Err(PixelError::TooLarge {
                what,
                found,
                limit: self.max_pixels,
            });
        }
        Ok(())
    }

    pub(crate) fn check_file(&self, found: u64) -> Result<(), PixelError> {
        if found > self.max_file_bytes {
            return Err(PixelError::TooLarge {
                what: "the number of bytes",
                found,
                limit: self.max_file_bytes,
            });
        }
        Ok(())
    }
}

/// A flag that any thread may set; work in progress ends soon after with
/// [`PixelError::Cancelled`].
#[derive(Debug, Default)]
pub struct Cancel(AtomicBool);

impl Cancel {
    /// Asks all work that looks at this flag to stop.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the flag is set.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn check(&self) -> Result<(), PixelError> {
        if self.is_set() {
            return Err(PixelError::Cancelled);
        }
        Ok(())
    }

    /// The flag as a byte for C, which reads it atomically.
    pub(crate) fn as_byte(&self) -> *const u8 {
        self.0.as_ptr().cast::<u8>().cast_const()
    }
}

/// From how many pixels on an image that is held whole is decoded alone: 48 MiB of coefficients.
const LARGE: u64 = 1 << 23;

/// Time between two looks whether a permit is free.
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// The permit that a large image which must be held whole (progressive JPEG, interlaced PNG, formats of the external
/// decoder) needs. Only one is given at a time, so that many workers need no more memory for them than one.
#[derive(Debug, Default)]
pub struct Permits(AtomicBool);

impl Permits {
    /// Waits for the permit of an image that will be held whole, if it is large. The permit ends when
    /// the result is dropped.
    pub(crate) fn take(
        &self,
        width: u32,
        height: u32,
        cancel: &Cancel,
    ) -> Result<Option<Permit<'_>>, PixelError> {
        if u64::from(width) * u64::from(height) < LARGE {
            return Ok(None);
        }
        while self.0.swap(true, Ordering::Acquire) {
            cancel.check()?;
            thread::sleep(POLL_INTERVAL);
        }
        Ok(Some(Permit(self)))
    }
}

/// The right to hold a large image.
pub(crate) struct Permit<'a>(&'a Permits);

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0 .0.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects time: a strip, and a small file that goes over a large image again and again.
    #[test]
    fn sides_and_scans() {
        let limits = Limits::default();
        limits.check_pixels(1_000_000, 178).unwrap();
        for (width, height) in [(1_000_001, 1), (1, 1_000_001)] {
            assert!(matches!(
                limits.check_pixels(width, height),
                Err(PixelError::TooLarge {
                    found: 1_000_001,
                    ..
                })
            ));
        }
        assert_eq!(limits.scans(10, 10), 1000);
        assert_eq!(limits.scans(5_000, 4_000), 107);
        assert_eq!(limits.scans(13_377, 13_377), 12);
    }

    /// Protects: one large image at a time, small ones at any time, and an end to waiting.
    #[test]
    fn permits() {
        let (permits, cancel) = (Permits::default(), Cancel::default());
        let first = permits.take(4096, 4096, &cancel).unwrap();
        assert!(first.is_some());
        assert!(permits.take(10, 10, &cancel).unwrap().is_none());
        thread::scope(|scope| {
            let second = scope.spawn(|| {
                permits
                    .take(4096, 4096, &cancel)
                    .map(|permit| permit.is_some())
            });
            thread::sleep(Duration::from_millis(20));
            assert!(!second.is_finished());
            drop(first);
            assert!(second.join().unwrap().unwrap());
        });
        let _held = permits.take(4096, 4096, &cancel).unwrap();
        cancel.set();
        assert!(matches!(
            permits.take(4096, 4096, &cancel),
            Err(PixelError::Cancelled)
        ));
    }
}
