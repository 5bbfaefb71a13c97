//! Matrix products: one packing, one blocking loop, one epilogue. Every output is one chain of fused multiply-adds in
//! ascending order of k; k is cut into blocks by storing the accumulator in the output and loading it again.

mod packed;
mod tile;

pub use packed::{Line, Packed};
pub(crate) use tile::{tallest, tiles, Block, DEPTH};

use crate::engine::Engine;
use crate::functions::Function;
use crate::isa::{Kernel, Simd, LANES};

/// The rows of the left factor, which a convolution takes from its image.
pub(crate) trait Rows: Sync {
    /// Copies the elements from `k` on of a row, as seen by a group of outputs.
    fn copy(&self, row: usize, group: usize, k: usize, to: &mut [f32]);
}

/// What follows the chains: + bias, activation, + residual, each rounded.
#[derive(Clone, Copy, Debug)]
pub struct Epilogue<'a> {
    /// One number a column.
    pub bias: Option<&'a [f32]>,
    /// The function of each element.
    pub activation: Function,
    /// As many numbers as the output has.
    pub residual: Option<&'a [f32]>,
}

impl Epilogue<'_> {
    /// Nothing follows.
    pub const NONE: Self = Self {
        bias: None,
        activation: Function::Identity,
        residual: None,
    };

    fn is_none(&self) -> bool {
        self.bias.is_none() && self.residual.is_none() && self.activation == Function::Identity
    }
}

struct Contiguous<'a> {
    x: &'a [f32],
    k: usize,
}

impl Rows for Contiguous<'_> {
    #[inline]
    fn copy(&self, row: usize, _group: usize, k: usize, to: &mut [f32]) {
        let start = row * self.k + k;
        to.copy_from_slice(&self.x[start..start + to.len()]);
    }
}

/// `x` (m, k) times `weight` (k, n): `out` (m, n).
///
/// # Panics
///
/// Where the sizes do not fit.
pub fn product(engine: &Engine, x: &[f32], weight: &Packed, epilogue: &Epilogue, out: &mut [f32]) {
    let (k, n) = (weight.depth(), weight.columns());
    assert!(
        n > 0 && out.len().is_multiple_of(n),
        "the output has no whole rows"
    );
    let m = out.len() / n;
    assert_eq!(x.len(), m * k, "the left factor");
    let weights = std::slice::from_ref(weight);
    products(engine, &Contiguous { x, k }, weights, epilogue, out);
}

/// Rows times the weights of each group; the outputs of the groups lie side by side.
pub(crate) fn products<R: Rows>(
    engine: &Engine,
    rows: &R,
    weights: &[Packed],
    epilogue: &Epilogue,
    out: &mut [f32],
) {
    let width: usize = weights.iter().map(Packed::columns).sum();
    assert!(epilogue.bias.is_none_or(|b| b.len() == width), "the bias");
    assert!(
        epilogue.residual.is_none_or(|r| r.len() == out.len()),
        "the residual"
    );
    let m = out.len() / width;
    // Few rows: columns are shared out, into blocks that are put side by side afterwards.
    if engine.threads() > 1
        && weights.len() == 1
        && m <= 2 * tile::ROWS
        && width >= 64 * engine.threads()
    {
        return by_columns(engine, rows, &weights[0], epilogue, out, m);
    }
    // Parts of equal height, since the weights are read once for each; few of them are as many for each thread.
    let mut parts = m.div_ceil(tile::ROWS).max(1);
    if parts < 4 * engine.threads() {
        parts = parts.next_multiple_of(engine.threads());
    }
    let height = m.div_ceil(parts).next_multiple_of(tile::TALLEST);
    engine.chunks(out, height * width, |scratch: &mut Vec<Block>, i, out| {
        let first = i * height;
        let residual = epilogue
            .residual
            .map(|r| &r[first * width..first * width + out.len()]);
        engine.isa().run(Task {
            rows,
            weights,
            epilogue: Epilogue {
                residual,
                ..*epilogue
            },
            first,
            width,
            columns: None,
            scratch,
            out,
        });
    });
}

fn by_columns<R: Rows>(
    engine: &Engine,
    rows: &R,
    weight: &Packed,
    epilogue: &Epilogue,
    out: &mut [f32],
    m: usize,
) {
    let n = weight.columns();
    let share = n.div_ceil(2 * engine.threads()).next_multiple_of(2 * LANES);
    let mut blocks = vec![0.0; n.div_ceil(share) * share * m];
    let without = Epilogue {
        residual: None,
        ..*epilogue
    };
    engine.chunks(
        &mut blocks,
        share * m,
        |scratch: &mut Vec<Block>, i, block| {
            let first = i * share;
            let count = share.min(n - first);
            let bias = without.bias.map(|b| &b[first..first + count]);
            engine.isa().run(Task {
                rows,
                weights: std::slice::from_ref(weight),
                epilogue: Epilogue { bias, ..without },
                first: 0,
                width: count,
                columns: Some((first, count)),
                scratch,
                out: &mut block[..count * m],
            });
        },
    );
    let _environment = crate::isa::environment::Environment::standard();
    for (i, row) in out.chunks_mut(n).enumerate() {
        for (j, part) in row.chunks_mut(share).enumerate() {
            let from = j * share * m + i * part.len();
            part.copy_from_slice(&blocks[from..from + part.len()]);
            if let Some(residual) = epilogue.residual {
                for (x, r) in part.iter_mut().zip(&residual[i * n + j * share..]) {
                    *x += r;
                }
            }
        }
    }
}

struct Task<'a, R> {
    rows: &'a R,
    weights: &'a [Packed],
    epilogue: Epilogue<'a>,
    /// The row of the left factor that belongs to the first of `out`.
    first: usize,
    /// Columns of `out`.
    width: usize,
    /// The columns of the weights to compute, from the first on and how many. `None`: all.
    columns: Option<(usize, usize)>,
    scratch: &'a mut Vec<Block>,
    out: &'a mut [f32],
}

impl<R: Rows> Kernel for Task<'_, R> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let height = self.out.len() / self.width;
        self.scratch.resize(height, [0.0; tile::STRIDE]);
        let a = &mut self.scratch[..height];
        let mut place = 0;
        for (group, weight) in self.weights.iter().enumerate() {
            let (from, count) = self.columns.unwrap_or((0, weight.columns()));
            let depth = weight.depth();
            let mut k = 0;
            loop {
                let size = (depth - k).min(DEPTH);
                for (i, row) in a.iter_mut().enumerate() {
                    self.rows.copy(self.first + i, group, k, &mut row[..size]);
                }
                let last = k + size == depth;
                let mut column = 0;
                while column < count {
                    let two = S::TILE.1 == 2 && count - column > LANES;
                    let covered = if two { 2 * LANES } else { LANES }.min(count - column);
                    let panel = (from + column) / LANES;
                    let at = place + column;
                    if two {
                        let b = [
                            weight.panel(panel, k, size),
                            weight.panel(panel + 1, k, size),
                        ];
                        tiles::<S, 2>(s, a, b, &mut self.out[at..], self.width, covered, k == 0);
                    } else {
                        let b = [weight.panel(panel, k, size)];
                        tiles::<S, 1>(s, a, b, &mut self.out[at..], self.width, covered, k == 0);
                    }
                    if last && !self.epilogue.is_none() {
                        finish(s, &self.epilogue, self.out, self.width, at, covered);
                    }
                    column += covered;
                }
                k += size;
                if last {
                    break;
                }
            }
            place += count;
        }
    }
}

/// The epilogue on `covered` columns from `at` on, of every row.
#[inline(always)]
fn finish<S: Simd>(s: S, e: &Epilogue, out: &mut [f32], width: usize, at: usize, covered: usize) {
    for start in (at..out.len()).step_by(width) {
        let mut done = 0;
        while done < covered {
            let count = LANES.min(covered - done);
            let place = start + done..start + done + count;
            let column = at + done..at + done + count;
            let mut x = s.load_part(&out[place.clone()], 0.0);
            if let Some(bias) = e.bias {
                x = s.add(x, s.load_part(&bias[column], 0.0));
            }
            x = e.activation.apply(s, x);
            if let Some(residual) = e.residual {
                x = s.add(x, s.load_part(&residual[place.clone()], 0.0));
            }
            s.store_part(x, &mut out[place]);
            done += count;
        }
    }
}
