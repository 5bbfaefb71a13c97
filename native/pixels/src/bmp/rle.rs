//! Run-length coded pixels, as Pillow decodes them: not all of it is what the format says.

use crate::error::PixelError;
use crate::image::zeros;
use crate::limits::Cancel;

/// Commands between two looks at the cancel flag.
const COMMANDS_PER_CHECK: usize = 1 << 16;

/// The pixels, `width * height` of them, row after row as they are stored. `start` is where they
/// begin in the file.
pub(super) fn decode(
    data: &[u8],
    start: usize,
    (width, height): (usize, usize),
    nibbles: bool,
    cancel: &Cancel,
) -> Result<Vec<u8>, PixelError> {
    let mut pixels = Pixels {
        bytes: zeros(width * height)?,
        filled: 0,
    };
    let mut at = start;
    // The column, which an absolute run may push past the end of the row.
    let mut x = 0usize;
    let mut commands = 0usize;
    while pixels.left() > 0 {
        if commands.is_multiple_of(COMMANDS_PER_CHECK) {
            cancel.check()?;
        }
        commands += 1;
        let Some(&[count, value]) = data.get(at..).and_then(|rest| rest.first_chunk()) else {
            break;
        };
        at += 2;
        match (count, value) {
            (0, 0) => {
                let column = pixels.filled % width;
                if column > 0 {
                    pixels.skip(width - column);
                }
                x = 0;
            }
            (0, 1) => break,
            (0, 2) => {
                let Some(&[right, up]) = data.get(at..).and_then(|rest| rest.first_chunk()) else {
                    break;
                };
                at += 2;
                pixels.skip(usize::from(right) + usize::from(up) * width);
                x = pixels.filled % width;
            }
            (0, count) => {
                let count = usize::from(count);
                let pixel_count = count.min(pixels.left());
                let byte_count = if nibbles {
                    pixel_count.div_ceil(2)
                } else {
                    pixel_count
                };
                let Some(stored) = data.get(at..).and_then(|rest| rest.get(..byte_count)) else {
                    break;
                };
                at += byte_count;
                if nibbles {
                    let samples = stored.iter().flat_map(|&byte| [byte >> 4, byte & 15]);
                    pixels.put(samples.take(pixel_count));
                } else {
                    pixels.put(stored.iter().copied());
                }
                x += count;
                // Runs are padded to even offsets, which Pillow counts from the start of the file.
                at += at % 2;
            }
            (count, value) => {
                let count = usize::from(count).min(width.saturating_sub(x));
                let pair = if nibbles {
                    [value >> 4, value & 15]
                } else {
                    [value; 2]
                };
                pixels.put(pair.into_iter().cycle().take(count));
                x += count;
            }
        }
    }
    // What is missing would be invented: Pillow refuses it, even after a mark of the end.
    if pixels.left() > 0 {
        return Err(PixelError::Truncated);
    }
    Ok(pixels.bytes)
}

struct Pixels {
    bytes: Vec<u8>,
    filled: usize,
}

impl Pixels {
    fn left(&self) -> usize {
        self.bytes.len() - self.filled
    }

    /// Pixels beyond the last one are dropped.
    fn put(&mut self, values: impl Iterator<Item = u8>) {
        for (place, value) in self.bytes[self.filled..].iter_mut().zip(values) {
            *place = value;
            self.filled += 1;
        }
    }

    fn skip(&mut self, count: usize) {
        self.filled += count.min(self.left());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(data: &[u8], size: (usize, usize), nibbles: bool) -> Result<Vec<u8>, PixelError> {
        decode(data, 0, size, nibbles, &Cancel::default())
    }

    /// Protects: runs, literal pixels with their padding, the end of a row and a jump.
    #[test]
    fn every_command() {
        let data = [
            3, 7, 0, 0, 0, 3, 1, 2, 3, 0, 0, 0, 0, 2, 2, 0, 1, 9, 1, 9, 0, 1,
        ];
        let expected = [7, 7, 7, 0, 1, 2, 3, 0, 0, 0, 9, 9];
        assert_eq!(decoded(&data, (4, 3), false).unwrap(), expected);
        let data = [3, 0x12, 0, 0, 0, 3, 0x34, 0x50, 0, 0];
        assert_eq!(decoded(&data, (3, 2), true).unwrap(), [1, 2, 1, 3, 4, 5]);
    }

    /// Protects: every cut is an error and no panic, and an early end is no image.
    #[test]
    fn cuts() {
        let data = [4, 7, 0, 4, 1, 2, 3, 4];
        assert!(decoded(&data, (4, 2), false).is_ok());
        for length in 0..data.len() {
            assert!(decoded(&data[..length], (4, 2), false).is_err());
        }
        assert!(decoded(&[4, 7, 0, 1], (4, 2), false).is_err());
    }
}
