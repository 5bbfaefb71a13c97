//! The nearest pixel of each output position.

use std::ops::Range;

use super::part::Part;
use super::positions::positions;
use super::stage::{Emit, Stage};
use super::weights::reserved;
use crate::error::PixelError;
use crate::image::CHANNELS;

/// The nearest pixels of each row, each row as often as it is the nearest one.
pub(super) struct Nearest {
    /// Source row of each output row.
    rows: std::vec::IntoIter<Option<usize>>,
    /// Source column of each output column.
    columns: Vec<Option<usize>>,
    /// Row of the source that comes next, and the column with which it starts.
    next: usize,
    origin: usize,
    input: Vec<u8>,
    output: Vec<u8>,
}

impl Nearest {
    /// From the source's rows from `first` on, of which the columns `given` come.
    pub fn new(part: &Part, first: usize, given: &Range<usize>) -> Result<Self, PixelError> {
        let line = |pixels: usize| {
            let mut line = reserved(pixels * CHANNELS)?;
            line.resize(pixels * CHANNELS, 0);
            Ok::<_, PixelError>(line)
        };
        Ok(Self {
            rows: positions(part.source.0, part.target.0, &part.rows)?.into_iter(),
            columns: positions(part.source.1, part.target.1, &part.columns)?,
            next: first,
            origin: given.start,
            input: line(given.len())?,
            output: line(part.columns.len())?,
        })
    }
}

impl Stage for Nearest {
    fn slot(&mut self) -> &mut [u8] {
        &mut self.input
    }

    fn take(&mut self, emit: &mut Emit) -> Result<(), PixelError> {
        let wanted = |rows: &std::vec::IntoIter<Option<usize>>, next| {
            rows.as_slice().first() == Some(&Some(next))
        };
        if wanted(&self.rows, self.next) {
            let pixels = self.output.chunks_exact_mut(CHANNELS);
            for (pixel, column) in pixels.zip(&self.columns) {
                if let Some(x) = column {
                    let from = (x - self.origin) * CHANNELS;
                    pixel.copy_from_slice(&self.input[from..][..CHANNELS]);
                }
            }
            while wanted(&self.rows, self.next) {
                emit(&self.output)?;
                self.rows.next();
            }
        }
        self.next += 1;
        Ok(())
    }

    fn finish(&mut self, emit: &mut Emit) -> Result<(), PixelError> {
        self.output.fill(0);
        while self.rows.next().is_some() {
            emit(&self.output)?;
        }
        Ok(())
    }
}
