//! The tile: as many rows and groups of columns as the registers hold, over one block of k.

use super::packed::Line;
use crate::isa::{Simd, LANES};

/// The longest block of k.
pub(crate) const DEPTH: usize = 384;
/// Numbers from one row of a block to the next: 25 cache lines, so that the rows of a tile lie in different sets of the
/// cache, and a constant, so that one register addresses all of them.
pub(crate) const STRIDE: usize = DEPTH + LANES;
/// The most rows of a tile.
pub(crate) const TALLEST: usize = 14;
/// Rows of a task at most, a multiple of [`TALLEST`]: a block of them fits into the second cache, and the 197 rows of an
/// image of 224 are one task.
pub(crate) const ROWS: usize = 18 * TALLEST;

/// A row of a block of the left factor; what is beyond the block's depth is not read.
pub(crate) type Block = [f32; STRIDE];

/// Calls a function with as many rows as the registers hold and are left: its first generic arguments are the
/// instruction set and the number of rows.
macro_rules! tallest {
    ($s:ident, $left:expr, $function:ident, [$($generic:ident),*], ($($argument:expr),*)) => {
        if $s::TILE.0 >= 14 && $left >= 14 {
            $function::<$s, 14, $($generic),*>($($argument),*)
        } else if $s::TILE.0 >= 8 && $left >= 8 {
            $function::<$s, 8, $($generic),*>($($argument),*)
        } else if $s::TILE.0 == 6 && $left >= 6 {
            $function::<$s, 6, $($generic),*>($($argument),*)
        } else if $s::TILE.0 >= 4 && $left >= 4 {
            $function::<$s, 4, $($generic),*>($($argument),*)
        } else if $left >= 2 {
            $function::<$s, 2, $($generic),*>($($argument),*)
        } else {
            $function::<$s, 1, $($generic),*>($($argument),*)
        }
    };
}
pub(crate) use tallest;

/// Adds the products of a block to all rows of `out`, `width` numbers apart, `covered` columns each; from +0 where the
/// block is the first.
#[inline(always)]
pub(crate) fn tiles<S: Simd, const G: usize>(
    s: S,
    a: &[Block],
    b: [&[Line]; G],
    out: &mut [f32],
    width: usize,
    covered: usize,
    first: bool,
) {
    let mut row = 0;
    while row < a.len() {
        let left = a.len() - row;
        let (a, out) = (&a[row..], &mut out[row * width..]);
        row += tallest!(S, left, tile, [G], (s, a, b, out, width, covered, first));
    }
}

#[inline(always)]
fn tile<S: Simd, const R: usize, const G: usize>(
    s: S,
    a: &[Block],
    b: [&[Line]; G],
    out: &mut [f32],
    width: usize,
    covered: usize,
    first: bool,
) -> usize {
    let (Some(a), depth) = (a.first_chunk::<R>(), b[0].len().min(DEPTH)) else {
        unreachable!("the caller counts the rows");
    };
    let whole = covered == G * LANES;
    let mut c = [[s.splat(0.0); G]; R];
    if !first {
        for (r, row) in c.iter_mut().enumerate() {
            let from = &out[r * width..r * width + covered];
            for (g, x) in row.iter_mut().enumerate() {
                *x = if whole {
                    s.load(from[g * LANES..].first_chunk().expect("a whole group"))
                } else {
                    s.load_part(
                        &from[(g * LANES).min(covered)..covered.min((g + 1) * LANES)],
                        0.0,
                    )
                };
            }
        }
    }
    let mut lines = b;
    for line in &mut lines {
        *line = &line[..depth];
    }
    for k in 0..depth {
        let mut columns = [s.splat(0.0); G];
        for g in 0..G {
            columns[g] = s.load(&lines[g][k].0);
        }
        for r in 0..R {
            let x = s.splat(a[r][k]);
            for g in 0..G {
                c[r][g] = s.fma(x, columns[g], c[r][g]);
            }
        }
    }
    for (r, row) in c.into_iter().enumerate() {
        let to = &mut out[r * width..r * width + covered];
        for (g, x) in row.into_iter().enumerate() {
            if whole {
                s.store(x, to[g * LANES..].first_chunk_mut().expect("a whole group"));
            } else {
                s.store_part(
                    x,
                    &mut to[(g * LANES).min(covered)..covered.min((g + 1) * LANES)],
                );
            }
        }
    }
    R
}
