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

    /// Reads by the routines that define the pixels, where there are faster ones that give the same.
    fn read_as_defined(&mut self) {}

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

/// What of a source is wanted, for those that can reach any row.
#[derive(Default)]
pub(crate) struct Wanted {
    rows: Range<usize>,
    pub columns: Range<usize>,
}

impl Wanted {
    /// Keeps what [`Source::want`] was asked for, and gives the columns back.
    pub fn set(&mut self, rows: Range<usize>, columns: Range<usize>) -> Range<usize> {
        self.rows = rows;
        self.columns = columns.clone();
        columns
    }

    /// The numbers of the rows that come next, at most `count`.
    pub fn next_rows(&mut self, count: usize) -> Result<Range<usize>, PixelError> {
        let first = self.next_row()?;
        let end = self.rows.end.min(first + count);
        self.rows.start = end;
        Ok(first..end)
    }

    /// The number of the row that comes next.
    pub fn next_row(&mut self) -> Result<usize, PixelError> {
        let row = self.rows.next();
        row.ok_or_else(|| PixelError::Internal("a row that was not wanted".into()))
    }
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
