//! Products whose chains run over the rows of a batch: both factors are read row by row.

use super::batch::{Batch, Padded, AHEAD};
use crate::engine::Engine;
use crate::gemm::{tallest, Line};
use crate::isa::{Kernel, Simd, LANES};

/// Rows of a batch in a block: a pair of columns of them lies in the first cache.
pub(super) const DEPTH: usize = 256;

/// Adds to `out` (outputs, width) the products of both factors' columns over a block of rows.
///
/// `left` begins at the first row and output, `stride` numbers a row; `lines` has a group of 16 columns after the other,
/// `DEPTH` lines each, of which `depth` count; `few` are as many lines for the outputs of a tile, which stay in the first
/// cache while the columns pass.
#[inline(always)]
pub(super) fn add<S: Simd>(
    s: S,
    (left, stride, outputs): (&[f32], usize, usize),
    (lines, few, depth): (&[Line], &mut [Line], usize),
    out: &mut [f32],
    width: usize,
    first: bool,
) {
    let few = &mut few[..depth];
    let mut row = 0;
    while row < outputs {
        let rest = outputs - row;
        let (a, out) = ((&left[row..], stride), &mut out[row * width..]);
        row += tallest!(S, rest, rows, [], (s, a, (lines, few), out, width, first));
    }
}

/// `R` outputs with all columns.
#[inline(always)]
fn rows<S: Simd, const R: usize>(
    s: S,
    (left, stride): (&[f32], usize),
    (lines, few): (&[Line], &mut [Line]),
    out: &mut [f32],
    width: usize,
    first: bool,
) -> usize {
    let depth = few.len();
    for (from, to) in left.chunks(stride).zip(few.iter_mut()) {
        to.0[..R].copy_from_slice(&from[..R]);
    }
    let line = |g: usize| &lines[g * DEPTH..g * DEPTH + depth];
    let groups = width / LANES;
    let mut g = 0;
    while g < groups {
        let out = &mut out[g * LANES..];
        if S::TILE.1 == 2 && groups - g >= 2 {
            tile::<S, R, 2>(s, few, [line(g), line(g + 1)], out, width, first);
            g += 2;
        } else {
            tile::<S, R, 1>(s, few, [line(g)], out, width, first);
            g += 1;
        }
    }
    R
}

#[inline(always)]
fn tile<S: Simd, const R: usize, const G: usize>(
    s: S,
    a: &[Line],
    b: [&[Line]; G],
    out: &mut [f32],
    width: usize,
    first: bool,
) {
    let mut c = [[s.splat(0.0); G]; R];
    if !first {
        for (r, row) in c.iter_mut().enumerate() {
            for (g, x) in row.iter_mut().enumerate() {
                let from = &out[r * width + g * LANES..];
                *x = s.load(from.first_chunk().expect("a whole group"));
            }
        }
    }
    let depth = a.len();
    let mut lines = b;
    for line in &mut lines {
        *line = &line[..depth];
    }
    for k in 0..depth {
        let mut columns = [s.splat(0.0); G];
        for g in 0..G {
            columns[g] = s.load(&lines[g][k].0);
        }
        let factors: &[f32; R] = a[k].0.first_chunk().expect("a tile has up to 16 rows");
        for r in 0..R {
            let x = s.splat(factors[r]);
            for g in 0..G {
                c[r][g] = s.fma(x, columns[g], c[r][g]);
            }
        }
    }
    for (r, row) in c.into_iter().enumerate() {
        for (g, x) in row.into_iter().enumerate() {
            let to = &mut out[r * width + g * LANES..];
            s.store(x, to.first_chunk_mut().expect("a whole group"));
        }
    }
}

/// Copies `width` columns from `from` on of rows of a batch into lines, as [`add`] reads them; columns that there are
/// not are zero.
#[inline(always)]
pub(super) fn gather(
    batch: &Batch,
    rows: std::ops::Range<usize>,
    from: usize,
    width: usize,
    lines: &mut [Line],
) {
    for (k, row) in rows.enumerate() {
        batch.prefetch(row + AHEAD, from, width);
        let row = batch.row(row);
        let row = &row[from..row.len().min(from + width)];
        for (g, part) in row.chunks(LANES).enumerate() {
            let to = &mut lines[g * DEPTH + k].0;
            match part.first_chunk() {
                Some(whole) => *to = *whole,
                None => {
                    *to = [0.0; LANES];
                    to[..part.len()].copy_from_slice(part);
                }
            }
        }
    }
}

/// The sum of each column, rows ascending from +0.
pub(super) fn sums(engine: &Engine, x: &Padded, out: &mut [f32]) {
    engine.chunks(out, 4 * LANES, |_: &mut (), i, out| {
        engine.isa().run(Sums {
            x,
            first: i * 4 * LANES,
            out,
        });
    });
}

struct Sums<'a> {
    x: &'a Padded,
    first: usize,
    out: &'a mut [f32],
}

impl Kernel for Sums<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let mut totals = [s.splat(0.0); 4];
        let groups = self.out.len().div_ceil(LANES);
        for row in self.x.values.chunks_exact(self.x.stride) {
            for g in 0..groups {
                let from = &row[self.first + g * LANES..];
                totals[g] = s.add(totals[g], s.load(from.first_chunk().expect("padded rows")));
            }
        }
        for (total, out) in totals.into_iter().zip(self.out.chunks_mut(LANES)) {
            s.store_part(total, out);
        }
    }
}
