//! Convolutions of each channel by itself: lanes are channels, and several outputs side by side share a weight.

use crate::engine::Engine;
use crate::gemm::Epilogue;
use crate::isa::{Kernel, Simd, LANES};
use crate::shapes::Window;

/// Convolves with `taps` (kernel rows, kernel columns, channels).
pub(crate) fn apply(
    engine: &Engine,
    x: &[f32],
    taps: &[f32],
    window: &Window,
    channels: usize,
    epilogue: &Epilogue,
    out: &mut [f32],
) {
    let (rows, columns) = window.output();
    let image = window.input.0 * window.input.1 * channels;
    let width = columns * channels;
    engine.chunks(out, width, |_: &mut (), i, out| {
        engine.isa().run(Row {
            x: &x[i / rows * image..][..image],
            taps,
            window,
            channels,
            y: i % rows,
            epilogue: Epilogue {
                residual: epilogue.residual.map(|r| &r[i * width..][..width]),
                ..*epilogue
            },
            out,
        });
    });
}

/// One row of one image's output.
struct Row<'a> {
    x: &'a [f32],
    taps: &'a [f32],
    window: &'a Window,
    channels: usize,
    y: usize,
    epilogue: Epilogue<'a>,
    out: &'a mut [f32],
}

impl Kernel for Row<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let mut this = self;
        let columns = this.out.len() / this.channels;
        let mut channel = 0;
        while channel < this.channels {
            let count = LANES.min(this.channels - channel);
            let mut column = 0;
            while column < columns {
                // As many chains as hide the latency of a fused multiply-add and fit into the registers.
                let room = if count == LANES {
                    this.inside(column, columns)
                } else {
                    0
                };
                column += if S::TILE.1 == 2 && room >= 8 {
                    this.together::<S, 8>(s, channel, column)
                } else if room >= 4 {
                    this.together::<S, 4>(s, channel, column)
                } else if room >= 2 {
                    this.together::<S, 2>(s, channel, column)
                } else {
                    this.single(s, channel, count, column)
                };
            }
            channel += count;
        }
    }
}

impl Row<'_> {
    /// How many outputs from `column` on have all their columns in the image.
    #[inline(always)]
    fn inside(&self, column: usize, columns: usize) -> usize {
        let w = self.window;
        if column * w.stride.1 < w.before.1 {
            return 0;
        }
        let reach = (w.kernel.1 - 1) * w.dilation.1;
        let end = (w.input.1 + w.before.1)
            .saturating_sub(reach)
            .div_ceil(w.stride.1);
        end.min(columns).saturating_sub(column)
    }

    #[inline(always)]
    fn together<S: Simd, const N: usize>(&mut self, s: S, channel: usize, column: usize) -> usize {
        let w = self.window;
        let mut c = [s.splat(0.0); N];
        let zero = s.splat(0.0);
        for i in 0..w.kernel.0 {
            let row = (self.y * w.stride.0 + i * w.dilation.0).checked_sub(w.before.0);
            let row = row.filter(|row| *row < w.input.0);
            for j in 0..w.kernel.1 {
                let at = (i * w.kernel.1 + j) * self.channels + channel;
                let weight = s.load(self.taps[at..].first_chunk().expect("a whole group"));
                if let Some(row) = row {
                    let first = column * w.stride.1 + j * w.dilation.1 - w.before.1;
                    let start = (row * w.input.1 + first) * self.channels + channel;
                    let step = w.stride.1 * self.channels;
                    let from = &self.x[start..start + (N - 1) * step + LANES];
                    for (o, c) in c.iter_mut().enumerate() {
                        let x = s.load(from[o * step..].first_chunk().expect("a whole group"));
                        *c = s.fma(x, weight, *c);
                    }
                } else {
                    for c in &mut c {
                        *c = s.fma(zero, weight, *c);
                    }
                }
            }
        }
        for (o, c) in c.into_iter().enumerate() {
            self.finish(s, c, (column + o) * self.channels + channel, channel, LANES);
        }
        N
    }

    #[inline(always)]
    fn single<S: Simd>(&mut self, s: S, channel: usize, count: usize, column: usize) -> usize {
        let w = self.window;
        let mut c = s.splat(0.0);
        for i in 0..w.kernel.0 {
            for j in 0..w.kernel.1 {
                let at = (i * w.kernel.1 + j) * self.channels + channel;
                let weight = s.load_part(&self.taps[at..at + count], 0.0);
                let x = match w.tap(self.y, column, i, j) {
                    Some((r, q)) => {
                        let start = (r * w.input.1 + q) * self.channels + channel;
                        s.load_part(&self.x[start..start + count], 0.0)
                    }
                    None => s.splat(0.0),
                };
                c = s.fma(x, weight, c);
            }
        }
        self.finish(s, c, column * self.channels + channel, channel, count);
        1
    }

    #[inline(always)]
    fn finish<S: Simd>(&mut self, s: S, mut c: S::Group, at: usize, channel: usize, count: usize) {
        let e = &self.epilogue;
        if let Some(bias) = e.bias {
            c = s.add(c, s.load_part(&bias[channel..channel + count], 0.0));
        }
        c = e.activation.apply(s, c);
        if let Some(residual) = e.residual {
            c = s.add(c, s.load_part(&residual[at..at + count], 0.0));
        }
        s.store_part(c, &mut self.out[at..at + count]);
    }
}
