//! One item: the rows of an image through resize and crop into its place in a batch.

use std::ops::Range;

use crate::error::PixelError;
use crate::geometry::{Canvas, Placement};
use crate::limits::{Cancel, Limits};
use crate::recipe::Recipe;
use crate::resample::{Kernel, Resizer};

/// Rows between two looks at the cancel flag.
const ROWS_PER_CHECK: usize = 64;

/// An image that gives its rows one after the other.
pub(crate) trait Source {
    /// (height, width), both at least 1.
    fn size(&self) -> (usize, usize);

    /// Says which rows will be read, of them which columns. Returns the columns that a row then
    /// has: those, or more.
    fn want(
        &mut self,
        rows: Range<usize>,
        columns: Range<usize>,
    ) -> Result<Range<usize>, PixelError>;

    /// The next of the wanted rows, three bytes for each column.
    fn read(&mut self, row: &mut [u8]) -> Result<(), PixelError>;

    /// Whether the rest of the file is complete, once the wanted rows are read.
    fn finish(&mut self) -> Result<(), PixelError>;
}

/// Resize and crop of one image, as the recipe says, into `out`, `crop.0 * crop.1 * 3` bytes.
/// Holds as many rows of the image as one row of the output depends on.
pub(crate) fn load(
    source: &mut dyn Source,
    recipe: &Recipe,
    limits: &Limits,
    kernel: Kernel,
    cancel: &Cancel,
    out: &mut [u8],
) -> Result<(), PixelError> {
    let (height, width) = source.size();
    let placement = Placement::new(recipe, height, width, limits)?;
    let (rows, columns) = placement.part.needs()?;
    let given = source.want(rows.clone(), columns)?;
    let mut resizer = Resizer::new(&placement.part, &given, kernel)?;
    let mut canvas = Canvas::new(recipe, &placement, out);
    let mut emit = |row: &[u8]| canvas.put(row);
    for index in 0..rows.len() {
        if index % ROWS_PER_CHECK == 0 {
            cancel.check()?;
        }
        source.read(resizer.slot())?;
        resizer.take(&mut emit)?;
    }
    resizer.finish(&mut emit)?;
    source.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{RgbImage, CHANNELS};
    use crate::recipe::{CropRounding, Filter, LongSide, Mode};

    /// An image in memory.
    pub(crate) struct Stored {
        image: RgbImage,
        rows: Range<usize>,
        bytes: Range<usize>,
    }

    impl Stored {
        pub fn new(image: RgbImage) -> Self {
            Self {
                image,
                rows: 0..0,
                bytes: 0..0,
            }
        }
    }

    impl Source for Stored {
        fn size(&self) -> (usize, usize) {
            (self.image.height(), self.image.width())
        }

        fn want(
            &mut self,
            rows: Range<usize>,
            columns: Range<usize>,
        ) -> Result<Range<usize>, PixelError> {
            self.rows = rows;
            self.bytes = columns.start * CHANNELS..columns.end * CHANNELS;
            Ok(columns)
        }

        fn read(&mut self, row: &mut [u8]) -> Result<(), PixelError> {
            let y = self.rows.next();
            let y = y.ok_or_else(|| PixelError::Internal("a row that was not wanted".into()))?;
            row.copy_from_slice(&self.image.row(y)[self.bytes.clone()]);
            Ok(())
        }

        fn finish(&mut self) -> Result<(), PixelError> {
            Ok(())
        }
    }

    /// Protects: an image narrower and higher than the crop is padded and cropped at once.
    #[test]
    fn pad_and_crop_together() {
        let image = RgbImage::from_raw(1, 4, (0..12).collect()).unwrap();
        let recipe = Recipe {
            mode: Mode::None,
            size: (2, 2),
            long_side: LongSide::Floor,
            filter: Filter::Bicubic,
            crop: (2, 2),
            crop_rounding: CropRounding::Floor,
            pad: [7, 8, 9],
        };
        let mut out = [0; 12];
        load(
            &mut Stored::new(image),
            &recipe,
            &Limits::default(),
            Kernel::scalar(),
            &Cancel::default(),
            &mut out,
        )
        .unwrap();
        assert_eq!(out, [7, 8, 9, 3, 4, 5, 7, 8, 9, 6, 7, 8]);
    }
}
