//! Convolutions, channels last. A tap beside the image is a product with +0, which is not the same as no product: a chain
//! can be -0 by underflow, and an infinite weight times 0 is NaN.

use crate::depthwise;
use crate::engine::Engine;
use crate::gemm::{products, Epilogue, Packed, Rows};
use crate::shapes::Window;

/// The weights of a convolution, packed.
#[derive(Clone, Debug)]
pub struct Convolution {
    window: Window,
    channels: usize,
    outputs: usize,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    /// One product a group.
    Groups(Vec<Packed>),
    /// Each channel by itself: taps, then channels.
    Depthwise(Vec<f32>),
}

impl Convolution {
    /// Packs `weight` (outputs, channels / groups, kernel rows, kernel columns).
    ///
    /// # Panics
    ///
    /// Where the sizes do not fit.
    #[must_use]
    pub fn new(
        weight: &[f32],
        window: Window,
        channels: usize,
        outputs: usize,
        groups: usize,
    ) -> Self {
        assert!(
            channels.is_multiple_of(groups) && outputs.is_multiple_of(groups),
            "the groups"
        );
        let (inside, outside) = (channels / groups, outputs / groups);
        let taps = window.kernel.0 * window.kernel.1;
        assert_eq!(weight.len(), outputs * inside * taps, "the weight");
        let kind = if groups == channels && outputs == channels {
            let at = |i: usize| weight[i % channels * taps + i / channels];
            Kind::Depthwise((0..taps * channels).map(at).collect())
        } else {
            let pack = |group: usize| {
                Packed::new(taps * inside, outside, |k, n| {
                    weight[((group * outside + n) * inside + k % inside) * taps + k / inside]
                })
            };
            Kind::Groups((0..groups).map(pack).collect())
        };
        Self {
            window,
            channels,
            outputs,
            kind,
        }
    }

    /// Channels of the output.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// The window.
    #[must_use]
    pub fn window(&self) -> &Window {
        &self.window
    }

    /// Convolves `x` (batch, height, width, channels) into `out` (batch, rows, columns, outputs).
    ///
    /// # Panics
    ///
    /// Where the sizes do not fit.
    pub fn apply(&self, engine: &Engine, x: &[f32], epilogue: &Epilogue, out: &mut [f32]) {
        let image = self.window.input.0 * self.window.input.1 * self.channels;
        let (rows, columns) = self.window.output();
        let size = rows * columns * self.outputs;
        assert!(size > 0 && out.len().is_multiple_of(size), "the output");
        assert_eq!(x.len(), out.len() / size * image, "the input");
        match &self.kind {
            Kind::Depthwise(taps) => {
                depthwise::apply(engine, x, taps, &self.window, self.channels, epilogue, out);
            }
            Kind::Groups(weights) => {
                let patches = Patches {
                    x,
                    window: self.window,
                    channels: self.channels,
                    inside: self.channels / weights.len(),
                    columns,
                    positions: rows * columns,
                };
                products(engine, &patches, weights, epilogue, out);
            }
        }
    }
}

/// The patches of images as rows of a product.
struct Patches<'a> {
    x: &'a [f32],
    window: Window,
    channels: usize,
    /// Channels of a group.
    inside: usize,
    columns: usize,
    positions: usize,
}

impl Rows for Patches<'_> {
    #[inline]
    fn copy(&self, row: usize, group: usize, k: usize, to: &mut [f32]) {
        let w = &self.window;
        let (image, position) = (row / self.positions, row % self.positions);
        let (y, x) = (position / self.columns, position % self.columns);
        let mut rest = to;
        let (mut tap, mut channel) = (k / self.inside, k % self.inside);
        // Taps side by side are side by side in the image, too.
        let joined = self.inside == self.channels && w.dilation.1 == 1;
        let left = (x * w.stride.1).checked_sub(w.before.1);
        let inner = left.is_some_and(|left| left + w.kernel.1 <= w.input.1);
        while !rest.is_empty() {
            let (i, j) = (tap / w.kernel.1, tap % w.kernel.1);
            let taps = if joined && inner { w.kernel.1 - j } else { 1 };
            let count = (taps * self.inside - channel).min(rest.len());
            let (part, next) = rest.split_at_mut(count);
            match w.tap(y, x, i, j) {
                Some((r, c)) => {
                    let pixel = (image * w.input.0 + r) * w.input.1 + c;
                    let start = pixel * self.channels + group * self.inside + channel;
                    part.copy_from_slice(&self.x[start..start + count]);
                }
                None => part.fill(0.0),
            }
            rest = next;
            channel += count;
            tap += channel / self.inside;
            channel %= self.inside;
        }
    }
}
