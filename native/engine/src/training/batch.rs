//! The rows of a batch, where they lie and with room between them.

use crate::error::EngineError;
use crate::gemm::Rows;
use crate::isa::{prefetch, LANES};

/// How many rows before it is read a row is prefetched; 3 and 24 are no faster.
pub(super) const AHEAD: usize = 8;

/// The rows of a batch, among all rows.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    pub(super) x: &'a [f32],
    pub(super) width: usize,
    pub(super) rows: Option<&'a [usize]>,
    pub(super) count: usize,
}

impl<'a> Batch<'a> {
    /// A batch of `x` (n, width): the rows of these numbers, in this order; `None` for all.
    ///
    /// # Errors
    ///
    /// [`EngineError::Training`] where there are no whole rows, or a number is none of a row.
    pub fn new(x: &'a [f32], width: usize, rows: Option<&'a [usize]>) -> Result<Self, EngineError> {
        if width == 0 || x.is_empty() || !x.len().is_multiple_of(width) {
            let message = format!("{} numbers are not rows of {width}", x.len());
            return Err(EngineError::Training(message));
        }
        let all = x.len() / width;
        let count = rows.map_or(all, <[usize]>::len);
        if count == 0 || rows.is_some_and(|rows| rows.iter().any(|row| *row >= all)) {
            let message = format!("a batch has one row at least, each below {all}");
            return Err(EngineError::Training(message));
        }
        Ok(Self {
            x,
            width,
            rows,
            count,
        })
    }

    /// How many rows.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// The number of a row of the batch among all rows.
    #[inline]
    pub(super) fn number(&self, row: usize) -> usize {
        self.rows.map_or(row, |rows| rows[row])
    }

    /// A row's numbers.
    #[inline]
    pub(super) fn row(&self, row: usize) -> &'a [f32] {
        let start = self.number(row) * self.width;
        &self.x[start..start + self.width]
    }

    /// Prefetches `size` numbers of a row from `first` on: the rows of a batch are scattered among all rows, so that the
    /// processor cannot predict the next.
    #[inline(always)]
    pub(super) fn prefetch(&self, row: usize, first: usize, size: usize) {
        if row < self.count {
            let row = self.row(row);
            prefetch(&row[first..row.len().min(first + size)]);
        }
    }
}

impl Rows for Batch<'_> {
    #[inline]
    fn copy(&self, row: usize, _group: usize, k: usize, to: &mut [f32]) {
        self.prefetch(row + AHEAD, k, to.len());
        to.copy_from_slice(&self.row(row)[k..k + to.len()]);
    }
}

/// Rows of numbers whose starts lie an odd number of cache lines apart, so that a column of them does not fall into one
/// set of the cache.
#[derive(Clone, Debug, Default)]
pub(super) struct Padded {
    pub(super) values: Vec<f32>,
    pub(super) width: usize,
    pub(super) stride: usize,
}

impl Padded {
    pub(super) fn new(width: usize) -> Self {
        Self {
            values: Vec::new(),
            width,
            stride: (width.div_ceil(LANES) | 1) * LANES,
        }
    }

    /// Makes room for this many rows.
    pub(super) fn resize(&mut self, rows: usize) {
        self.values.resize(rows * self.stride, 0.0);
    }
}

impl Rows for Padded {
    #[inline]
    fn copy(&self, row: usize, _group: usize, k: usize, to: &mut [f32]) {
        let start = row * self.stride + k;
        to.copy_from_slice(&self.values[start..start + to.len()]);
    }
}
