//! The nearest pixel, by the running sum of Pillow's affine transform.

use std::ops::Range;

use super::part::Part;
use super::stage::{Emit, Stage};
use super::weights::reserved;
use crate::error::PixelError;
use crate::image::CHANNELS;

/// The input position of each output position in `wanted`; `None` where the running sum has left
/// the input.
///
/// The sum is added up, step by step from the first output position: its rounding error is part of
/// the result.
fn positions(
    input: usize,
    output: usize,
    wanted: &Range<usize>,
) -> Result<Vec<Option<usize>>, PixelError> {
    let mut found = reserved(wanted.len())?;
    let step = f64::from(input as f32) / output as f64;
    let mut place = step * 0.5;
    for index in 0..wanted.end {
        if index >= wanted.start {
            let position = place as usize;
            found.push((position < input).then_some(position));
        }
        place += step;
    }
    Ok(found)
}

/// From the first to the last input position of some output positions; they never go back.
pub(super) fn span(
    input: usize,
    output: usize,
    wanted: &Range<usize>,
) -> Result<Range<usize>, PixelError> {
    let found = positions(input, output, wanted)?;
    let first = found.iter().flatten().next().copied().unwrap_or(0);
    let end = found.iter().flatten().last().map_or(first, |last| last + 1);
    Ok(first..end)
}

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
