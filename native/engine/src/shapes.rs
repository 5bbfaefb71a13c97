//! The sizes of an operation, which the definition and the kernels both take.

/// A convolution or a pooling over images of `height` x `width` x `channels`, channels last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Rows and columns of the image.
    pub input: (usize, usize),
    /// Rows and columns of the window.
    pub kernel: (usize, usize),
    /// Steps between windows.
    pub stride: (usize, usize),
    /// Steps between taps.
    pub dilation: (usize, usize),
    /// Rows above and columns left of the image.
    pub before: (usize, usize),
    /// Rows below and columns right of the image.
    pub after: (usize, usize),
}

impl Window {
    /// Rows and columns of the output; 0 where the window does not fit.
    #[must_use]
    pub fn output(&self) -> (usize, usize) {
        let side = |input: usize, kernel: usize, stride: usize, dilation: usize, border: usize| {
            (input + border)
                .checked_sub((kernel - 1) * dilation + 1)
                .map_or(0, |left| left / stride + 1)
        };
        (
            side(
                self.input.0,
                self.kernel.0,
                self.stride.0,
                self.dilation.0,
                self.before.0 + self.after.0,
            ),
            side(
                self.input.1,
                self.kernel.1,
                self.stride.1,
                self.dilation.1,
                self.before.1 + self.after.1,
            ),
        )
    }

    /// The row and the column of the image under tap (`i`, `j`) of the output (`y`, `x`), if it is inside.
    #[inline]
    #[must_use]
    pub fn tap(&self, y: usize, x: usize, i: usize, j: usize) -> Option<(usize, usize)> {
        let row = (y * self.stride.0 + i * self.dilation.0).checked_sub(self.before.0)?;
        let column = (x * self.stride.1 + j * self.dilation.1).checked_sub(self.before.1)?;
        (row < self.input.0 && column < self.input.1).then_some((row, column))
    }
}

/// The sizes of attention.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attention {
    /// Rows of the batch.
    pub batch: usize,
    /// Heads.
    pub heads: usize,
    /// Queries of a row of the batch.
    pub queries: usize,
    /// Keys of a row of the batch.
    pub keys: usize,
    /// Elements of a query and of a key.
    pub width: usize,
    /// Elements of a value.
    pub value_width: usize,
    /// The factor of the dot products.
    pub scale: f32,
    /// Rows and heads of the bias that is added to the scores, `(rows, heads, queries, keys)`: row b of the batch takes
    /// row b modulo `rows`; `heads` is that of the scores or 1. `None`: no bias.
    pub bias: Option<(usize, usize)>,
}
