//! Normalisations and softmax over rows.

use crate::engine::Engine;
use crate::functions::exp;
use crate::isa::{Kernel, Simd, LANES};
use crate::sums::{maximum, squares, sum};

/// A normalisation of rows.
#[derive(Clone, Copy, Debug)]
pub enum RowNorm<'a> {
    /// (x - mean) times 1/sqrt(variance + eps), then one fused multiply-add with weight and bias.
    Layer {
        /// Weight and bias.
        affine: Option<(&'a [f32], &'a [f32])>,
        /// Added to the variance.
        eps: f32,
    },
    /// x times 1/sqrt(mean of squares + eps), then times weight.
    Rms {
        /// Weight.
        weight: Option<&'a [f32]>,
        /// Added to the mean of squares.
        eps: f32,
    },
    /// exp(x - maximum) times 1/sum.
    Softmax,
}

/// Normalises rows of `width`.
pub fn rows(engine: &Engine, x: &[f32], width: usize, norm: &RowNorm, out: &mut [f32]) {
    assert!(
        x.len() == out.len() && x.len().is_multiple_of(width),
        "rows of {width}"
    );
    let size = engine.share(x.len(), width);
    engine.chunks(out, size, |_: &mut (), i, out| {
        let x = &x[i * size..][..out.len()];
        engine.isa().run(Norm {
            x,
            width,
            norm,
            out,
        });
    });
}

struct Norm<'a> {
    x: &'a [f32],
    width: usize,
    norm: &'a RowNorm<'a>,
    out: &'a mut [f32],
}

impl Kernel for Norm<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for (x, out) in self
            .x
            .chunks_exact(self.width)
            .zip(self.out.chunks_exact_mut(self.width))
        {
            match self.norm {
                RowNorm::Layer { affine, eps } => {
                    let (mean, scale) = moments(s, x, *eps);
                    standardise(s, x, (mean, scale), *affine, out);
                }
                RowNorm::Rms { weight, eps } => {
                    let scale = 1.0 / (squares(s, x, 0.0) / x.len() as f32 + eps).sqrt();
                    let scale = s.splat(scale);
                    for (i, (x, out)) in x.chunks(LANES).zip(out.chunks_mut(LANES)).enumerate() {
                        let mut y = s.mul(s.load_part(x, 0.0), scale);
                        if let Some(weight) = weight {
                            y = s.mul(y, s.load_part(&weight[i * LANES..][..x.len()], 0.0));
                        }
                        s.store_part(y, out);
                    }
                }
                RowNorm::Softmax => {
                    let m = s.splat(maximum(s, x));
                    for (x, out) in x.chunks(LANES).zip(out.chunks_mut(LANES)) {
                        s.store_part(exp(s, s.sub(s.load_part(x, 0.0), m)), out);
                    }
                    let inverse = s.splat(1.0 / sum(s, out));
                    for part in out.chunks_mut(LANES) {
                        let y = s.mul(s.load_part(part, 0.0), inverse);
                        s.store_part(y, part);
                    }
                }
            }
        }
    }
}

/// The mean and 1/sqrt(variance + eps).
#[inline(always)]
fn moments<S: Simd>(s: S, x: &[f32], eps: f32) -> (f32, f32) {
    let n = x.len() as f32;
    let mean = sum(s, x) / n;
    let variance = squares(s, x, mean) / n;
    (mean, 1.0 / (variance + eps).sqrt())
}

#[inline(always)]
fn standardise<S: Simd>(
    s: S,
    x: &[f32],
    (mean, scale): (f32, f32),
    affine: Option<(&[f32], &[f32])>,
    out: &mut [f32],
) {
    let (mean, scale) = (s.splat(mean), s.splat(scale));
    // Whole groups apart from the rest: the length is then no question of the loop, in builds without LTO either.
    let (groups, rest) = x.as_chunks::<LANES>();
    let (outs, out_rest) = out.as_chunks_mut::<LANES>();
    let Some((weight, bias)) = affine else {
        for (x, out) in groups.iter().zip(outs) {
            s.store(s.mul(s.sub(s.load(x), mean), scale), out);
        }
        let y = s.mul(s.sub(s.load_part(rest, 0.0), mean), scale);
        return s.store_part(y, out_rest);
    };
    let ((weights, weight), (biases, bias)) = (weight.as_chunks(), bias.as_chunks());
    for ((x, out), (weight, bias)) in groups.iter().zip(outs).zip(weights.iter().zip(biases)) {
        let y = s.mul(s.sub(s.load(x), mean), scale);
        s.store(s.fma(y, s.load(weight), s.load(bias)), out);
    }
    let y = s.mul(s.sub(s.load_part(rest, 0.0), mean), scale);
    let (weight, bias) = (s.load_part(weight, 0.0), s.load_part(bias, 0.0));
    s.store_part(s.fma(y, weight, bias), out_rest);
}

/// Scale and shift of batch normalisation in eval form, of each channel: weight / sqrt(variance + eps) and
/// fma(-mean, scale, bias). Part of a program's making.
#[must_use]
pub fn batch_norm_affine(
    mean: &[f32],
    variance: &[f32],
    weight: &[f32],
    bias: &[f32],
    eps: f32,
) -> (Vec<f32>, Vec<f32>) {
    let _environment = crate::isa::environment::Environment::standard();
    let mut both = (Vec::new(), Vec::new());
    for c in 0..mean.len() {
        let scale = weight[c] / (variance[c] + eps).sqrt();
        both.0.push(scale);
        both.1
            .push(crate::isa::fused_multiply_add(-mean[c], scale, bias[c]));
    }
    both
}

/// x (..., channels) times scale plus shift, one fused multiply-add.
pub fn affine(engine: &Engine, x: &[f32], scale: &[f32], shift: &[f32], out: &mut [f32]) {
    let width = scale.len();
    assert!(
        x.len() == out.len() && shift.len() == width && x.len().is_multiple_of(width),
        "the channels"
    );
    let size = engine.share(x.len(), width);
    engine.chunks(out, size, |_: &mut (), i, out| {
        let x = &x[i * size..][..out.len()];
        engine.isa().run(Affine {
            x,
            scale,
            shift,
            out,
        });
    });
}

struct Affine<'a> {
    x: &'a [f32],
    scale: &'a [f32],
    shift: &'a [f32],
    out: &'a mut [f32],
}

impl Kernel for Affine<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let width = self.scale.len();
        for (x, out) in self
            .x
            .chunks_exact(width)
            .zip(self.out.chunks_exact_mut(width))
        {
            for (i, (x, out)) in x.chunks(LANES).zip(out.chunks_mut(LANES)).enumerate() {
                let at = i * LANES..i * LANES + x.len();
                let scale = s.load_part(&self.scale[at.clone()], 0.0);
                let y = s.fma(
                    s.load_part(x, 0.0),
                    scale,
                    s.load_part(&self.shift[at], 0.0),
                );
                s.store_part(y, out);
            }
        }
    }
}

/// Group normalisation of (batch, positions, channels).
pub fn group_norm(
    engine: &Engine,
    x: &[f32],
    (positions, channels, groups): (usize, usize, usize),
    affine: (&[f32], &[f32]),
    eps: f32,
    out: &mut [f32],
) {
    let inside = channels / groups;
    engine.chunks(
        out,
        positions * channels,
        |scratch: &mut (Vec<f32>, Vec<f32>), b, out| {
            let x = &x[b * out.len()..][..out.len()];
            for g in 0..groups {
                let (elements, normed) = &mut *scratch;
                elements.clear();
                for row in x.chunks(channels) {
                    elements.extend_from_slice(&row[g * inside..(g + 1) * inside]);
                }
                normed.resize(elements.len(), 0.0);
                let at = g * inside..(g + 1) * inside;
                let (weight, bias) = (&affine.0[at.clone()], &affine.1[at]);
                engine.isa().run(Group {
                    x: elements,
                    weight,
                    bias,
                    eps,
                    out: normed,
                });
                for (row, part) in out.chunks_mut(channels).zip(normed.chunks(inside)) {
                    row[g * inside..(g + 1) * inside].copy_from_slice(part);
                }
            }
        },
    );
}

/// The elements of a group, position by position.
struct Group<'a> {
    x: &'a [f32],
    weight: &'a [f32],
    bias: &'a [f32],
    eps: f32,
    out: &'a mut [f32],
}

impl Kernel for Group<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let moments = moments(s, self.x, self.eps);
        let width = self.weight.len();
        for (x, out) in self
            .x
            .chunks_exact(width)
            .zip(self.out.chunks_exact_mut(width))
        {
            standardise(s, x, moments, Some((self.weight, self.bias)), out);
        }
    }
}
