//! The steps from rows of the source to rows of the result. A step holds no more rows than it
//! needs, whatever the height of the image.

use std::ops::Range;

use super::kernel::{Kernel, Prepared, Room};
use super::rows::Rows;
use super::weights::{reserved, Pass};
use crate::error::PixelError;
use crate::image::CHANNELS;

/// What takes finished rows.
pub(super) type Emit<'a> = dyn FnMut(&[u8]) -> Result<(), PixelError> + 'a;

/// One step. The rows come in order; each is written to the slot, then taken.
pub(super) trait Stage: Send {
    /// Where the next row goes.
    fn slot(&mut self) -> &mut [u8];
    /// Takes the row in the slot and gives the rows that are finished by it.
    fn take(&mut self, emit: &mut Emit) -> Result<(), PixelError>;
    /// Gives the rows that are left, after the last row was taken.
    fn finish(&mut self, emit: &mut Emit) -> Result<(), PixelError>;
}

/// Columns of each row, unchanged.
pub(super) struct Cut {
    line: Rows,
    bytes: Range<usize>,
}

impl Cut {
    /// Of rows of `given` pixels those of `columns`.
    pub fn new(given: usize, columns: &Range<usize>) -> Result<Self, PixelError> {
        Ok(Self {
            line: Rows::new(1, given * CHANNELS)?,
            bytes: columns.start * CHANNELS..columns.end * CHANNELS,
        })
    }
}

impl Stage for Cut {
    fn slot(&mut self) -> &mut [u8] {
        self.line.row_mut(0)
    }

    fn take(&mut self, emit: &mut Emit) -> Result<(), PixelError> {
        emit(&self.line.row(0)[self.bytes.clone()])
    }

    fn finish(&mut self, _: &mut Emit) -> Result<(), PixelError> {
        Ok(())
    }
}

/// Rows that go through the horizontal pass together, so that a kernel loads its weights once. More
/// where the weights are too many to be held, and are made anew for each band.
const BAND: usize = 8;

/// Bytes that these rows may take.
const BAND_BYTES: usize = 1 << 26;

/// The horizontal pass.
pub(super) struct Horizontal {
    kernel: Kernel,
    pass: Pass,
    columns: Range<usize>,
    /// Column of the source with which a row starts.
    origin: usize,
    /// The weights of all columns; `None` where they are too many to be held at once.
    held: Option<Prepared>,
    room: Room,
    input: Rows,
    filled: usize,
    output: Rows,
}

impl Horizontal {
    /// `columns` of the output, from `rows` rows of the columns `given` of the source.
    pub fn new(
        kernel: Kernel,
        pass: Pass,
        columns: Range<usize>,
        rows: usize,
        given: &Range<usize>,
    ) -> Result<Self, PixelError> {
        let held = match pass.parts(columns.clone()).nth(1) {
            None => Some(kernel.prepare(pass.weights(columns.clone(), given.start)?)?),
            Some(_) => None,
        };
        let length = given.len().max(columns.len()) * CHANNELS;
        let most = if held.is_some() { BAND } else { rows.max(1) };
        let band = (BAND_BYTES / length).clamp(1, most);
        Ok(Self {
            kernel,
            pass,
            origin: given.start,
            held,
            room: Room::default(),
            input: Rows::new(band, given.len() * CHANNELS)?,
            filled: 0,
            output: Rows::new(band, columns.len() * CHANNELS)?,
            columns,
        })
    }
}

impl Stage for Horizontal {
    fn slot(&mut self) -> &mut [u8] {
        self.input.row_mut(self.filled)
    }

    fn take(&mut self, emit: &mut Emit) -> Result<(), PixelError> {
        self.filled += 1;
        if self.filled == self.input.count() {
            self.finish(emit)?;
        }
        Ok(())
    }

    fn finish(&mut self, emit: &mut Emit) -> Result<(), PixelError> {
        let (kernel, count) = (self.kernel, self.filled);
        let (input, room, output) = (&self.input, &mut self.room, &mut self.output);
        if let Some(weights) = &self.held {
            kernel.horizontal(input, count, weights, room, output, 0);
        } else if count > 0 {
            for part in self.pass.parts(self.columns.clone()) {
                let place = part.start - self.columns.start;
                let weights = kernel.prepare(self.pass.weights(part, self.origin)?)?;
                kernel.horizontal(input, count, &weights, room, output, place);
            }
        }
        for y in 0..count {
            emit(self.output.row(y))?;
        }
        self.filled = 0;
        Ok(())
    }
}

/// Bytes that the vertical pass takes in beyond one window before it moves the window to the front
/// of its memory; a quarter of a window where that is more, so that a row is moved few times.
const AHEAD: usize = 1 << 20;

/// The vertical pass.
pub(super) struct Vertical {
    kernel: Kernel,
    pass: Pass,
    /// Output rows that are still to come.
    rows: Range<usize>,
    /// Of each row the bytes that are given on.
    bytes: Range<usize>,
    /// Consecutive rows of the source, the first of them row `origin`.
    window: Rows,
    origin: usize,
    filled: usize,
    exact: Vec<f64>,
    values: Vec<i32>,
    room: Room,
    line: Vec<u8>,
}

impl Vertical {
    /// `rows` of the output, from the source's rows from `first` on. Each has `given` pixels; of
    /// them those of `columns` are given on.
    pub fn new(
        kernel: Kernel,
        pass: Pass,
        rows: Range<usize>,
        first: usize,
        given: usize,
        columns: &Range<usize>,
    ) -> Result<Self, PixelError> {
        let longest = pass.longest();
        let ahead = (AHEAD / (given * CHANNELS).max(1)).clamp(longest / 4 + 1, longest + 1);
        let bytes = columns.start * CHANNELS..columns.end * CHANNELS;
        let mut line = reserved(bytes.len())?;
        line.resize(bytes.len(), 0);
        Ok(Self {
            kernel,
            pass,
            window: Rows::new(longest.saturating_add(ahead), given * CHANNELS)?,
            origin: first,
            filled: 0,
            exact: reserved(longest)?,
            values: reserved(longest)?,
            room: Room::new(longest)?,
            line,
            rows,
            bytes,
        })
    }
}

impl Stage for Vertical {
    fn slot(&mut self) -> &mut [u8] {
        if self.filled == self.window.count() {
            // The window of the next row is not complete, so that it starts later than this one.
            // It may even start behind the rows that are here: rounding can leave a row out.
            let first = self.pass.window(self.rows.start).start - self.origin;
            let first = first.min(self.filled);
            self.window.keep(first, self.filled);
            self.origin += first;
            self.filled -= first;
        }
        self.window.row_mut(self.filled)
    }

    fn take(&mut self, emit: &mut Emit) -> Result<(), PixelError> {
        self.filled += 1;
        while !self.rows.is_empty()
            && self.pass.window(self.rows.start).end <= self.origin + self.filled
        {
            let row = self.rows.start;
            self.values.clear();
            let window = self.pass.add(row, &mut self.exact, &mut self.values);
            let first = window.start - self.origin;
            self.kernel.vertical(
                &self.window,
                first,
                &self.values,
                self.bytes.start,
                &mut self.room,
                &mut self.line,
            );
            emit(&self.line)?;
            self.rows.start += 1;
        }
        Ok(())
    }

    fn finish(&mut self, emit: &mut Emit) -> Result<(), PixelError> {
        // The last positions of a very long side may draw on nothing.
        self.line.fill(0);
        while self.rows.next().is_some() {
            emit(&self.line)?;
        }
        Ok(())
    }
}
