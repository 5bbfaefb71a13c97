//! Resize with Pillow 13's integer arithmetic (SPEC.md, section "Resize").
//!
//! A convolution in two passes with 22-bit weights and uint8 between the passes: horizontal first,
//! unless the height shrinks much more than the width. Rows of the source go in, rows of the result
//! come out, and only what the wanted part needs is computed or held. `scalar` is the definition
//! of the sums. Faster code is its twin, chosen in `kernel`.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod filter;
#[cfg_attr(not(target_arch = "x86_64"), allow(unused, reason = "for AVX2 alone"))]
mod kernel;
mod nearest;
mod part;
mod positions;
#[cfg_attr(not(target_arch = "x86_64"), allow(unused, reason = "for AVX2 alone"))]
mod rows;
mod scalar;
mod stage;
#[cfg_attr(not(target_arch = "x86_64"), allow(unused, reason = "for AVX2 alone"))]
mod weights;

use std::ops::Range;

use crate::error::PixelError;
use crate::image::{RgbImage, CHANNELS};
use crate::recipe::Filter;
use nearest::Nearest;
use part::Method;
use stage::{Cut, Emit, Horizontal, Stage, Vertical};

pub use kernel::Kernel;
pub(crate) use part::Part;

/// A part of a resized image in the making.
pub(crate) struct Resizer {
    first: Box<dyn Stage>,
    second: Option<Box<dyn Stage>>,
}

impl Resizer {
    /// Takes the rows that `part` needs, in order, each with the columns `given` of the source,
    /// which hold the columns that `part` needs.
    pub fn new(part: &Part, given: &Range<usize>, kernel: Kernel) -> Result<Self, PixelError> {
        let (rows, columns) = part.needs()?;
        let within = columns.start - given.start..columns.end - given.start;
        let one = |stage: Box<dyn Stage>| Self {
            first: stage,
            second: None,
        };
        let (vertical, horizontal, vertical_first) = match part.method() {
            Method::Copy => return Ok(one(Box::new(Cut::new(given.len(), &within)?))),
            Method::Nearest => {
                return Ok(one(Box::new(Nearest::new(part, rows.start, given)?)));
            }
            Method::Filter {
                vertical,
                horizontal,
                vertical_first,
            } => (vertical, horizontal, vertical_first),
        };
        let across = |pass, rows, given: &Range<usize>| -> Result<Box<dyn Stage>, PixelError> {
            let wanted = part.columns.clone();
            let stage = Horizontal::new(kernel, pass, wanted, rows, given)?;
            Ok(Box::new(stage))
        };
        let down = |pass, given, columns: &Range<usize>| -> Result<Box<dyn Stage>, PixelError> {
            let wanted = part.rows.clone();
            let stage = Vertical::new(kernel, pass, wanted, rows.start, given, columns)?;
            Ok(Box::new(stage))
        };
        let count = part.columns.len();
        Ok(match (vertical, horizontal) {
            (None, None) => one(Box::new(Cut::new(given.len(), &within)?)),
            (Some(pass), None) => one(down(pass, given.len(), &within)?),
            (None, Some(pass)) => one(across(pass, rows.len(), given)?),
            (Some(vertical), Some(horizontal)) if vertical_first => Self {
                first: down(vertical, given.len(), &within)?,
                second: Some(across(horizontal, part.rows.len(), &columns)?),
            },
            (Some(vertical), Some(horizontal)) => Self {
                first: across(horizontal, rows.len(), given)?,
                second: Some(down(vertical, count, &(0..count))?),
            },
        })
    }

    /// Where the next row goes: three bytes for each given column.
    pub fn slot(&mut self) -> &mut [u8] {
        self.first.slot()
    }

    /// Takes the row in the slot; `emit` gets each row of the part that is finished by it.
    pub fn take(&mut self, emit: &mut Emit) -> Result<(), PixelError> {
        self.step(emit, |stage, emit| stage.take(emit))
    }

    /// Gives the rows of the part that are left, after the last row was taken.
    pub fn finish(&mut self, emit: &mut Emit) -> Result<(), PixelError> {
        self.step(emit, |stage, emit| stage.finish(emit))?;
        match &mut self.second {
            Some(second) => second.finish(emit),
            None => Ok(()),
        }
    }

    fn step(
        &mut self,
        emit: &mut Emit,
        work: impl FnOnce(&mut dyn Stage, &mut Emit) -> Result<(), PixelError>,
    ) -> Result<(), PixelError> {
        match &mut self.second {
            None => work(self.first.as_mut(), emit),
            Some(second) => work(self.first.as_mut(), &mut |row| {
                second.slot().copy_from_slice(row);
                second.take(emit)
            }),
        }
    }
}

/// The image in `height` x `width`. A side that keeps its length is not filtered.
pub fn resize(
    image: &RgbImage,
    height: usize,
    width: usize,
    filter: Filter,
    kernel: Kernel,
) -> Result<RgbImage, PixelError> {
    let part = Part {
        source: (image.height(), image.width()),
        target: (height, width),
        filter,
        rows: 0..height,
        columns: 0..width,
    };
    resize_part(image, &part, kernel)
}

/// A part of what [`resize`] gives. No more than it needs is computed or held: the rest of a
/// target may be thousands of times as large.
pub(crate) fn resize_part(
    image: &RgbImage,
    part: &Part,
    kernel: Kernel,
) -> Result<RgbImage, PixelError> {
    let mut target = RgbImage::black(part.columns.len(), part.rows.len())?;
    let (rows, columns) = part.needs()?;
    let mut resizer = Resizer::new(part, &columns, kernel)?;
    let mut done = 0;
    let mut emit = |row: &[u8]| {
        target.row_mut(done).copy_from_slice(row);
        done += 1;
        Ok(())
    };
    for y in rows {
        let row = &image.row(y)[columns.start * CHANNELS..columns.end * CHANNELS];
        resizer.slot().copy_from_slice(row);
        resizer.take(&mut emit)?;
    }
    resizer.finish(&mut emit)?;
    Ok(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILTERS: [Filter; 6] = [
        Filter::Nearest,
        Filter::Box,
        Filter::Bilinear,
        Filter::Hamming,
        Filter::Bicubic,
        Filter::Lanczos,
    ];

    fn pattern(height: usize, width: usize) -> RgbImage {
        let bytes = (0..height * width * 3).map(|i| (i * i % 251 + i % 5) as u8);
        RgbImage::from_raw(width, height, bytes.collect()).unwrap()
    }

    fn cut(image: &RgbImage, rows: Range<usize>, columns: Range<usize>) -> RgbImage {
        let bytes = rows.flat_map(|y| image.row(y)[columns.start * 3..columns.end * 3].to_vec());
        let (width, bytes): (_, Vec<u8>) = (columns.len(), bytes.collect());
        RgbImage::from_raw(width, bytes.len() / width / 3, bytes).unwrap()
    }

    /// Protects: a part has the bytes of the whole, for every order and omission of the passes.
    #[test]
    fn parts_are_exact() {
        let sizes = [1, 4, 9, 23];
        for filter in FILTERS {
            for (from_height, from_width) in [(9, 9), (23, 4), (4, 23), (1, 9), (9, 1)] {
                let image = pattern(from_height, from_width);
                for (height, width) in sizes.iter().flat_map(|h| sizes.map(|w| (*h, w))) {
                    let whole = resize(&image, height, width, filter, Kernel::scalar()).unwrap();
                    for (rows, columns) in [
                        (0..height, 0..width),
                        (height / 3..height - height / 4, width / 4..width / 2 + 1),
                        (height - 1..height, 0..1),
                    ] {
                        let part = Part {
                            source: (from_height, from_width),
                            target: (height, width),
                            filter,
                            rows: rows.clone(),
                            columns: columns.clone(),
                        };
                        assert_eq!(
                            resize_part(&image, &part, Kernel::scalar()).unwrap(),
                            cut(&whole, rows, columns),
                            "{part:?}"
                        );
                    }
                }
            }
        }
    }

    /// Protects: rows that come with more columns than are needed give the same part.
    #[test]
    fn more_columns_than_needed() {
        let image = pattern(40, 60);
        for filter in FILTERS {
            for target in [(40, 60), (40, 13), (9, 60), (5, 31), (17, 25), (80, 90)] {
                let part = Part {
                    source: (40, 60),
                    target,
                    filter,
                    rows: target.0 / 3..target.0 / 2 + 1,
                    columns: target.1 / 3..target.1 / 2 + 1,
                };
                let (rows, columns) = part.needs().unwrap();
                for given in [0..60, columns.start / 2..columns.end, columns.start..60] {
                    let mut resizer = Resizer::new(&part, &given, Kernel::scalar()).unwrap();
                    let mut bytes = Vec::new();
                    let mut emit = |row: &[u8]| {
                        bytes.extend_from_slice(row);
                        Ok(())
                    };
                    for y in rows.clone() {
                        let row = &image.row(y)[given.start * 3..given.end * 3];
                        resizer.slot().copy_from_slice(row);
                        resizer.take(&mut emit).unwrap();
                    }
                    resizer.finish(&mut emit).unwrap();
                    let expected = resize_part(&image, &part, Kernel::scalar()).unwrap();
                    assert_eq!(bytes, expected.data(), "{part:?} from {given:?}");
                }
            }
        }
    }

    /// Protects: every kernel gives the bytes of the definition, for any sizes and any values.
    #[test]
    fn kernels_are_equal() {
        let mut state = 5u64;
        let mut random = |below: usize| {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (state >> 33) as usize % below
        };
        for round in 0..600 {
            let small = if round % 3 == 0 { 8 } else { 90 };
            let (height, width) = (1 + random(small), 1 + random(2 * small));
            let (to_height, to_width) = (1 + random(small), 1 + random(small));
            let filter = FILTERS[random(6)];
            let sharp = random(2) == 0;
            let bytes = (0..height * width * 3)
                .map(|_| random(256) as u8)
                .map(|value| if sharp { value / 128 * 255 } else { value });
            let image = RgbImage::from_raw(width, height, bytes.collect()).unwrap();
            let expected = resize(&image, to_height, to_width, filter, Kernel::scalar()).unwrap();
            for kernel in Kernel::available() {
                let found = resize(&image, to_height, to_width, filter, kernel).unwrap();
                assert!(
                    found == expected,
                    "{}, {filter:?}, {height} x {width} to {to_height} x {to_width}",
                    kernel.name()
                );
            }
        }
    }

    /// Protects: memory. A window of rows is held, not the image: 4,000 rows go through a few.
    #[test]
    fn a_window_is_held() {
        let part = Part {
            source: (4000, 3000),
            target: (224, 168),
            filter: Filter::Lanczos,
            rows: 0..224,
            columns: 0..168,
        };
        let (rows, columns) = part.needs().unwrap();
        let mut resizer = Resizer::new(&part, &columns, Kernel::scalar()).unwrap();
        let mut slots = std::collections::HashSet::new();
        for _ in rows {
            slots.insert(resizer.slot().as_ptr() as usize);
            resizer.take(&mut |_| Ok(())).unwrap();
        }
        assert!(slots.len() < 200, "{}", slots.len());
    }

    /// Protects: a row longer than a block of the vertical pass, and a target without memory.
    #[test]
    fn long_rows_and_no_memory() {
        let one = pattern(8, 1);
        let resize = |image: &RgbImage, height, width, filter| {
            resize(image, height, width, filter, Kernel::scalar())
        };
        let wide = resize(&one, 8, 5000, Filter::Nearest).unwrap();
        let column = resize(&one, 3, 1, Filter::Bicubic).unwrap();
        let shrunk = resize(&wide, 3, 5000, Filter::Bicubic).unwrap();
        for y in 0..3 {
            for pixel in shrunk.row(y).chunks_exact(3) {
                assert_eq!(pixel, column.row(y));
            }
        }
        for filter in [Filter::Nearest, Filter::Box] {
            assert!(matches!(
                resize(&one, 1 << 62, 1, filter),
                Err(PixelError::Memory)
            ));
        }
    }
}
