//! Poolings and reductions. Lanes are channels; the elements of a window go to 16 accumulators in turn, then the tree.

use crate::definition::windows::Pool;
use crate::engine::Engine;
use crate::isa::{Kernel, Simd, LANES};
use crate::shapes::Window;
use crate::sums::{maximum, sum};

/// Pools `x` (batch, height, width, channels); elements beside the image are left out.
pub fn pool(engine: &Engine, x: &[f32], w: &Window, channels: usize, kind: Pool, out: &mut [f32]) {
    let (rows, columns) = w.output();
    let image = w.input.0 * w.input.1 * channels;
    engine.chunks(
        out,
        columns * channels,
        |elements: &mut Vec<usize>, i, out| {
            let x = &x[i / rows * image..][..image];
            for (column, out) in out.chunks_mut(channels).enumerate() {
                elements.clear();
                for i_tap in 0..w.kernel.0 {
                    for j in 0..w.kernel.1 {
                        if let Some((r, q)) = w.tap(i % rows, column, i_tap, j) {
                            elements.push((r * w.input.1 + q) * channels);
                        }
                    }
                }
                let how = match kind {
                    Pool::Max => How::Fold,
                    Pool::MeanInside => How::Mean(elements.len()),
                    Pool::Mean => How::Mean(w.kernel.0 * w.kernel.1),
                };
                engine.isa().run(Across {
                    x,
                    elements,
                    how,
                    out,
                });
            }
        },
    );
}

/// The mean over windows that share an image out.
pub fn adaptive_mean(
    engine: &Engine,
    x: &[f32],
    (height, width, channels): (usize, usize, usize),
    (rows, columns): (usize, usize),
    out: &mut [f32],
) {
    let image = height * width * channels;
    engine.chunks(
        out,
        columns * channels,
        |elements: &mut Vec<usize>, i, out| {
            let x = &x[i / rows * image..][..image];
            let y = i % rows;
            for (column, out) in out.chunks_mut(channels).enumerate() {
                elements.clear();
                for r in y * height / rows..((y + 1) * height).div_ceil(rows) {
                    for q in column * width / columns..((column + 1) * width).div_ceil(columns) {
                        elements.push((r * width + q) * channels);
                    }
                }
                engine.isa().run(Across {
                    x,
                    elements,
                    how: How::Mean(elements.len()),
                    out,
                });
            }
        },
    );
}

/// The mean or the maximum over the middle one of (outer, length, inner).
pub fn reduce(
    engine: &Engine,
    x: &[f32],
    (outer, length, inner): (usize, usize, usize),
    max: bool,
    out: &mut [f32],
) {
    assert!(
        x.len() == outer * length * inner && out.len() == outer * inner && length > 0,
        "the sizes"
    );
    if inner == 1 {
        let size = engine
            .share(outer, 1)
            .min(outer.div_ceil(engine.threads()))
            .max(1);
        engine.chunks(out, size, |_: &mut (), i, out| {
            engine.isa().run(Along {
                x: &x[i * size * length..][..out.len() * length],
                length,
                max,
                out,
            });
        });
        return;
    }
    let elements: Vec<usize> = (0..length).map(|l| l * inner).collect();
    let how = if max { How::Max } else { How::Mean(length) };
    engine.chunks(out, inner, |_: &mut (), o, out| {
        let x = &x[o * length * inner..][..length * inner];
        engine.isa().run(Across {
            x,
            elements: &elements,
            how,
            out,
        });
    });
}

#[derive(Clone, Copy)]
enum How {
    /// One accumulator, from -infinity.
    Fold,
    /// 16 accumulators, filled with -infinity.
    Max,
    /// The sum by this number.
    Mean(usize),
}

/// Channels side by side, elements at the places `elements`.
struct Across<'a> {
    x: &'a [f32],
    elements: &'a [usize],
    how: How,
    out: &'a mut [f32],
}

impl Kernel for Across<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let mut this = self;
        let channels = this.out.len();
        let out = std::mem::take(&mut this.out);
        for (i, out) in out.chunks_mut(LANES).enumerate() {
            let (first, count) = (i * LANES, LANES.min(channels - i * LANES));
            let y = match this.how {
                How::Fold => {
                    let mut m = s.splat(f32::NEG_INFINITY);
                    for element in this.elements {
                        m = s.max(m, this.channels(s, element + first, count));
                    }
                    m
                }
                How::Max => {
                    let mut lanes = [s.splat(f32::NEG_INFINITY); LANES];
                    for group in this.elements.chunks(LANES) {
                        for (l, lane) in lanes.iter_mut().enumerate() {
                            let x = match group.get(l) {
                                Some(element) => this.channels(s, element + first, count),
                                None => s.splat(f32::NEG_INFINITY),
                            };
                            *lane = s.max(*lane, x);
                        }
                    }
                    for w in [8, 4, 2, 1] {
                        for i in 0..w {
                            lanes[i] = s.max(lanes[i], lanes[i + w]);
                        }
                    }
                    lanes[0]
                }
                How::Mean(divisor) => {
                    let mut lanes = [s.splat(0.0); LANES];
                    for group in this.elements.chunks(LANES) {
                        for (element, lane) in group.iter().zip(&mut lanes) {
                            *lane = s.add(*lane, this.channels(s, element + first, count));
                        }
                    }
                    for w in [8, 4, 2, 1] {
                        for i in 0..w {
                            lanes[i] = s.add(lanes[i], lanes[i + w]);
                        }
                    }
                    s.div(lanes[0], s.splat(divisor as f32))
                }
            };
            s.store_part(y, out);
        }
    }
}

impl Across<'_> {
    #[inline(always)]
    fn channels<S: Simd>(&self, s: S, start: usize, count: usize) -> S::Group {
        s.load_part(&self.x[start..start + count], 0.0)
    }
}

/// Rows of `length`.
struct Along<'a> {
    x: &'a [f32],
    length: usize,
    max: bool,
    out: &'a mut [f32],
}

impl Kernel for Along<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for (x, out) in self.x.chunks_exact(self.length).zip(self.out) {
            *out = if self.max {
                maximum(s, x)
            } else {
                sum(s, x) / self.length as f32
            };
        }
    }
}
