//! Scaled dot-product attention. Lanes are queries: scores lie as (key, query), so that the maximum and the sum over keys
//! need nothing across lanes, and probabilities are the packed factor of the second product as they are.
//!
//! No online softmax: its rescaling would make the block size part of the definition.

use crate::engine::Engine;
use crate::functions::exp;
use crate::gemm::{tiles, Block, Line, DEPTH};
use crate::isa::{Kernel, Simd, LANES};
use crate::shapes::Attention;

/// Rows of heads: element d of head h of row i of batch b is at b * batch + i * row + h * head + d.
#[derive(Clone, Copy, Debug)]
pub struct Heads<'a> {
    /// The numbers.
    pub data: &'a [f32],
    /// From one row of the batch to the next.
    pub batch: usize,
    /// From one query, key or value to the next.
    pub row: usize,
    /// From one head to the next.
    pub head: usize,
}

impl<'a> Heads<'a> {
    /// (batch, rows, heads, width) without gaps.
    #[must_use]
    pub fn contiguous(data: &'a [f32], rows: usize, heads: usize, width: usize) -> Self {
        Self {
            data,
            batch: rows * heads * width,
            row: heads * width,
            head: width,
        }
    }

    #[inline(always)]
    fn at(&self, b: usize, i: usize, h: usize, width: usize) -> &'a [f32] {
        &self.data[b * self.batch + i * self.row + h * self.head..][..width]
    }
}

/// The factors of attention.
#[derive(Clone, Copy, Debug)]
pub struct Factors<'a> {
    /// Queries.
    pub q: Heads<'a>,
    /// Keys.
    pub k: Heads<'a>,
    /// Values.
    pub v: Heads<'a>,
    /// As [`Attention::bias`] says.
    pub bias: Option<&'a [f32]>,
}

/// Computes `out` (batch, queries, heads, value width).
///
/// # Panics
///
/// Where the sizes do not fit.
pub fn attention(engine: &Engine, f: &Factors, a: &Attention, out: &mut [f32]) {
    let row = a.queries * a.heads * a.value_width;
    assert_eq!(out.len(), a.batch * row, "the output");
    assert_eq!(f.bias.is_some(), a.bias.is_some(), "the bias");
    if a.batch >= engine.threads() {
        engine.chunks(out, row, |scratch: &mut Scratch, b, out| {
            for h in 0..a.heads {
                let place = Place {
                    row: a.heads * a.value_width,
                    start: h * a.value_width,
                };
                engine.isa().run(Head {
                    f,
                    a,
                    b,
                    h,
                    place,
                    scratch,
                    out,
                });
            }
        });
        return;
    }
    // Too few rows for the threads: each head by itself, put side by side afterwards.
    let size = a.queries * a.value_width;
    let mut heads = vec![0.0; out.len()];
    engine.chunks(&mut heads, size, |scratch: &mut Scratch, i, out| {
        let place = Place {
            row: a.value_width,
            start: 0,
        };
        engine.isa().run(Head {
            f,
            a,
            b: i / a.heads,
            h: i % a.heads,
            place,
            scratch,
            out,
        });
    });
    for (i, to) in out.chunks_mut(a.value_width).enumerate() {
        let (b, query, h) = (
            i / a.heads / a.queries,
            i / a.heads % a.queries,
            i % a.heads,
        );
        let from = (b * a.heads + h) * size + query * a.value_width;
        to.copy_from_slice(&heads[from..from + a.value_width]);
    }
}

/// Memory of a thread.
#[derive(Default)]
struct Scratch {
    /// Keys in blocks of the width.
    keys: Vec<Block>,
    /// Values, (value width, keys), in blocks of keys.
    values: Vec<Block>,
    /// Queries as panels.
    queries: Vec<Line>,
    /// Scores of the queries at hand, (key, query).
    scores: Vec<f32>,
    /// Exponentials as panels.
    weights: Vec<Line>,
    /// (value width, query)
    sums: Vec<f32>,
    bias: Vec<f32>,
}

struct Place {
    row: usize,
    start: usize,
}

/// One head of one row of the batch.
struct Head<'a> {
    f: &'a Factors<'a>,
    a: &'a Attention,
    b: usize,
    h: usize,
    place: Place,
    scratch: &'a mut Scratch,
    out: &'a mut [f32],
}

impl Kernel for Head<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        self.pack();
        let mut query = 0;
        while query < self.a.queries {
            let left = self.a.queries - query;
            if S::TILE.1 == 2 && left > LANES {
                let count = left.min(2 * LANES);
                self.queries::<S, 2>(s, query, count);
                query += count;
            } else {
                let count = left.min(LANES);
                self.queries::<S, 1>(s, query, count);
                query += count;
            }
        }
    }
}

impl Head<'_> {
    #[inline(always)]
    fn pack(&mut self) {
        let (a, f, t) = (self.a, self.f, &mut *self.scratch);
        let empty = [0.0; DEPTH + LANES];
        t.keys.resize(a.width.div_ceil(DEPTH) * a.keys, empty);
        t.values
            .resize(a.keys.div_ceil(DEPTH) * a.value_width, empty);
        for j in 0..a.keys {
            let key = f.k.at(self.b, j, self.h, a.width);
            for (block, part) in key.chunks(DEPTH).enumerate() {
                t.keys[block * a.keys + j][..part.len()].copy_from_slice(part);
            }
            let first = j / DEPTH * a.value_width;
            let rows = &mut t.values[first..first + a.value_width];
            for (row, x) in rows
                .iter_mut()
                .zip(f.v.at(self.b, j, self.h, a.value_width))
            {
                row[j % DEPTH] = *x;
            }
        }
    }

    /// The `count` queries from `first` on.
    #[inline(always)]
    fn queries<S: Simd, const G: usize>(&mut self, s: S, first: usize, count: usize) {
        let (a, f, t) = (self.a, self.f, &mut *self.scratch);
        let wide = G * LANES;
        t.queries.clear();
        t.queries.resize(G * a.width, Line::ZERO);
        for i in 0..count {
            let query = f.q.at(self.b, first + i, self.h, a.width);
            let (panel, lane) = (i / LANES * a.width, i % LANES);
            for (line, x) in t.queries[panel..panel + a.width].iter_mut().zip(query) {
                line.0[lane] = *x;
            }
        }
        t.scores.resize(a.keys * wide, 0.0);
        let scores = &mut t.scores[..a.keys * wide];
        let blocks = t.keys[..a.width.div_ceil(DEPTH) * a.keys].chunks(a.keys);
        for (block, keys) in blocks.enumerate() {
            let lines = panels::<G>(&t.queries, a.width, block);
            tiles::<S, G>(s, keys, lines, scores, wide, wide, block == 0);
        }
        let bias = a.bias.zip(f.bias).map(|((rows, heads), bias)| {
            let plane = (self.b % rows) * heads + self.h % heads;
            &bias[(plane * a.queries + first) * a.keys..][..count * a.keys]
        });
        t.bias
            .resize(if bias.is_some() { a.keys * wide } else { 0 }, 0.0);
        if let Some(bias) = bias {
            for (i, row) in bias.chunks(a.keys).enumerate() {
                for (j, x) in row.iter().enumerate() {
                    t.bias[j * wide + i] = *x;
                }
            }
        }
        t.weights.resize(G * a.keys, Line::ZERO);
        t.sums.resize(a.value_width * wide, 0.0);
        let mut inverse = [s.splat(0.0); G];
        for (g, inverse) in inverse.iter_mut().enumerate() {
            let weights = &mut t.weights[g * a.keys..(g + 1) * a.keys];
            let bias = bias.is_some().then_some(&t.bias[..]);
            *inverse = softmax(s, scores, bias, wide, g, a.scale, weights);
        }
        let sums = &mut t.sums[..a.value_width * wide];
        let blocks = t.values[..a.keys.div_ceil(DEPTH) * a.value_width].chunks(a.value_width);
        for (block, values) in blocks.enumerate() {
            let lines = panels::<G>(&t.weights, a.keys, block);
            tiles::<S, G>(s, values, lines, sums, wide, wide, block == 0);
        }
        for (d, row) in sums.chunks_mut(wide).enumerate() {
            for (g, part) in row.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
                let x = s.mul(s.load(part), inverse[g]);
                s.store(x, part);
            }
            for (i, x) in row[..count].iter().enumerate() {
                self.out[(first + i) * self.place.row + self.place.start + d] = *x;
            }
        }
    }
}

/// A block of G panels that lie one after the other, each `depth` long.
#[inline(always)]
fn panels<const G: usize>(lines: &[Line], depth: usize, block: usize) -> [&[Line]; G] {
    let mut parts: [&[Line]; G] = [&[]; G];
    for (g, part) in parts.iter_mut().enumerate() {
        let panel = &lines[g * depth..(g + 1) * depth];
        *part = &panel[block * DEPTH..depth.min((block + 1) * DEPTH)];
    }
    parts
}

/// exp(score - maximum) of a group of queries, and 1/sum.
#[inline(always)]
fn softmax<S: Simd>(
    s: S,
    scores: &mut [f32],
    bias: Option<&[f32]>,
    wide: usize,
    g: usize,
    scale: f32,
    weights: &mut [Line],
) -> S::Group {
    let factor = s.splat(scale);
    let mut m = s.splat(f32::NEG_INFINITY);
    for (j, line) in weights.iter_mut().enumerate() {
        let at = j * wide + g * LANES;
        let mut x = s.mul(
            s.load(scores[at..].first_chunk().expect("a whole group")),
            factor,
        );
        if let Some(bias) = bias {
            x = s.add(x, s.load(bias[at..].first_chunk().expect("a whole group")));
        }
        s.store(x, &mut line.0);
        m = s.max(m, x);
    }
    let mut sums = [s.splat(0.0); LANES];
    let (groups, rest) = weights.as_chunks_mut::<LANES>();
    for group in groups {
        for (line, sum) in group.iter_mut().zip(&mut sums) {
            let e = exp(s, s.sub(s.load(&line.0), m));
            s.store(e, &mut line.0);
            *sum = s.add(*sum, e);
        }
    }
    for (line, sum) in rest.iter_mut().zip(&mut sums) {
        let e = exp(s, s.sub(s.load(&line.0), m));
        s.store(e, &mut line.0);
        *sum = s.add(*sum, e);
    }
    for w in [8, 4, 2, 1] {
        for i in 0..w {
            sums[i] = s.add(sums[i], sums[i + w]);
        }
    }
    s.div(s.splat(1.0), sums[0])
}
