//! A part of a resized image: what of the source it needs, and in which order the passes come.

use std::ops::Range;

use super::filter::{self, Shape};
use super::positions;
use super::weights::Pass;
use crate::error::PixelError;
use crate::recipe::Filter;

/// `rows` and `columns`, at least one of each, of the image of `source` (height, width) in
/// `target` (height, width).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub source: (usize, usize),
    pub target: (usize, usize),
    pub filter: Filter,
    pub rows: Range<usize>,
    pub columns: Range<usize>,
}

/// How the pixels of a part are made.
pub(super) enum Method {
    /// The image has the target size: it is unchanged.
    Copy,
    Nearest,
    /// Convolution in one or two passes; a side that keeps its length is not filtered.
    Filter {
        vertical: Option<Pass>,
        horizontal: Option<Pass>,
        vertical_first: bool,
    },
}

impl Part {
    pub(super) fn method(&self) -> Method {
        let ((height, width), (to_height, to_width)) = (self.source, self.target);
        if self.source == self.target {
            return Method::Copy;
        }
        let Some(shape) = filter::shape(self.filter) else {
            return Method::Nearest;
        };
        let pass =
            |from: usize, to: usize, shape: Shape| (from != to).then(|| Pass::new(from, to, shape));
        // Where the vertical pass takes away more than twice as many rows as the horizontal one
        // takes away columns, it comes first. The order changes bytes: both round to uint8.
        let fewer_rows = height as i64 - to_height as i64;
        let fewer_columns = width as i64 - to_width as i64;
        Method::Filter {
            vertical: pass(height, to_height, shape),
            horizontal: pass(width, to_width, shape),
            vertical_first: fewer_rows > 0 && fewer_rows > 2 * fewer_columns,
        }
    }

    /// The rows and columns of the source on which the part depends. Either may be empty: the last
    /// positions of a very long side draw on nothing.
    pub fn needs(&self) -> Result<(Range<usize>, Range<usize>), PixelError> {
        Ok(match self.method() {
            Method::Copy => (self.rows.clone(), self.columns.clone()),
            Method::Nearest => (
                positions::span(self.source.0, self.target.0, &self.rows)?,
                positions::span(self.source.1, self.target.1, &self.columns)?,
            ),
            Method::Filter {
                vertical,
                horizontal,
                ..
            } => {
                let span = |pass: Option<Pass>, positions: &Range<usize>| {
                    pass.map_or(positions.clone(), |pass| pass.span(positions))
                };
                (span(vertical, &self.rows), span(horizontal, &self.columns))
            }
        })
    }
}
