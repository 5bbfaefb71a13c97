//! The right factor of a product in panels of 16 columns.

use crate::isa::{Lanes, LANES};

/// 16 columns of one row of a factor, at a cache line's border.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub struct Line(pub Lanes);

impl Line {
    /// Zeros.
    pub const ZERO: Self = Self([0.0; LANES]);
}

/// A matrix (k, n) in panels of 16 columns, each with its rows one after the other; the columns of the last panel that
/// the matrix does not have are zero. The layout is the same for all instruction sets.
#[derive(Clone, Debug)]
pub struct Packed {
    lines: Vec<Line>,
    depth: usize,
    columns: usize,
}

impl Packed {
    /// Packs the matrix whose element in row k and column n is `at(k, n)`.
    pub fn new(depth: usize, columns: usize, at: impl Fn(usize, usize) -> f32) -> Self {
        let mut lines = vec![Line::ZERO; depth * columns.div_ceil(LANES)];
        for (i, line) in lines.iter_mut().enumerate() {
            let (panel, k) = (i / depth, i % depth);
            for (lane, x) in line.0.iter_mut().enumerate() {
                let n = panel * LANES + lane;
                if n < columns {
                    *x = at(k, n);
                }
            }
        }
        Self {
            lines,
            depth,
            columns,
        }
    }

    /// Packs the transpose of `weight` (n, k), as a linear layer holds it.
    ///
    /// # Panics
    ///
    /// Where `weight` has another size.
    #[must_use]
    pub fn transposed(weight: &[f32], depth: usize, columns: usize) -> Self {
        assert_eq!(weight.len(), depth * columns, "the weight");
        Self::new(depth, columns, |k, n| weight[n * depth + k])
    }

    /// Packs `matrix` (k, n).
    ///
    /// # Panics
    ///
    /// Where `matrix` has another size.
    #[must_use]
    pub fn plain(matrix: &[f32], depth: usize, columns: usize) -> Self {
        assert_eq!(matrix.len(), depth * columns, "the matrix");
        Self::new(depth, columns, |k, n| matrix[k * columns + n])
    }

    /// Zeros, to be filled panel by panel.
    pub(crate) fn zeros(depth: usize, columns: usize) -> Self {
        Self {
            lines: vec![Line::ZERO; depth * columns.div_ceil(LANES)],
            depth,
            columns,
        }
    }

    /// The panels, each with its rows.
    pub(crate) fn panels_mut(&mut self) -> impl Iterator<Item = &mut [Line]> {
        self.lines.chunks_mut(self.depth)
    }

    /// Rows, the length of each chain.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Columns, the outputs.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// `size` rows of a panel from row `k` on.
    #[inline(always)]
    pub(crate) fn panel(&self, panel: usize, k: usize, size: usize) -> &[Line] {
        let start = panel * self.depth + k;
        &self.lines[start..start + size]
    }
}
