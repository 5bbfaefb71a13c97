//! Both products of a block of rows. Every output is one chain of fused multiply-adds; lanes run across outputs.

use super::number::{Grouped, Matrix, Real};
use crate::isa::Simd;

/// Rows of the next tile, of `left`.
#[inline(always)]
fn height<S: Simd>(left: usize) -> usize {
    if S::TILE.0 >= 14 && left >= 14 {
        14
    } else if S::TILE.0 >= 8 && left >= 8 {
        8
    } else if S::TILE.0 == 6 && left >= 6 {
        6
    } else if S::TILE.0 >= 4 && left >= 4 {
        4
    } else if left >= 2 {
        2
    } else {
        1
    }
}

/// Of each row of `rows`, which are some of `matrix`, the chains with each class of a packed factor, to a row of `out`.
#[inline(always)]
pub(super) fn forward<S: Simd, E: Grouped<S>>(
    s: S,
    rows: &[E],
    matrix: &Matrix<E>,
    packed: &[E],
    out: &mut [E],
    width: usize,
) {
    let (stride, depth) = (matrix.stride, matrix.depth);
    let count = rows.len() / stride;
    for group in 0..packed.len() / (depth * E::LANES) {
        let lines = &packed[group * depth * E::LANES..(group + 1) * depth * E::LANES];
        let mut row = 0;
        while row < count {
            let (rows, out) = (
                &rows[row * stride..],
                &mut out[row * width + group * E::LANES..],
            );
            let height = height::<S>(count - row);
            match height {
                14 => across::<S, E, 14>(s, rows, matrix, lines, out, width),
                8 => across::<S, E, 8>(s, rows, matrix, lines, out, width),
                6 => across::<S, E, 6>(s, rows, matrix, lines, out, width),
                4 => across::<S, E, 4>(s, rows, matrix, lines, out, width),
                2 => across::<S, E, 2>(s, rows, matrix, lines, out, width),
                _ => across::<S, E, 1>(s, rows, matrix, lines, out, width),
            }
            row += height;
        }
    }
}

#[inline(always)]
fn across<S: Simd, E: Grouped<S>, const R: usize>(
    s: S,
    rows: &[E],
    matrix: &Matrix<E>,
    lines: &[E],
    out: &mut [E],
    width: usize,
) {
    let depth = matrix.depth;
    let mut parts = [&rows[..depth]; R];
    for (r, part) in parts.iter_mut().enumerate() {
        *part = &rows[r * matrix.stride..r * matrix.stride + depth];
    }
    let mut c = [E::splat(s, E::default()); R];
    let lines = &lines[..depth * E::LANES];
    for k in 0..depth {
        let column = E::load(s, &lines[k * E::LANES..(k + 1) * E::LANES]);
        for r in 0..R {
            c[r] = E::fma(s, E::splat(s, parts[r][k]), column, c[r]);
        }
    }
    for (r, x) in c.into_iter().enumerate() {
        E::store(s, x, &mut out[r * width..r * width + E::LANES]);
    }
}

/// Continues in `out` (classes, stride) the chains, over the rows of a block, of `factors` (rows, width) with the rows.
#[inline(always)]
pub(super) fn backward<S: Simd, E: Grouped<S>>(
    s: S,
    rows: &[E],
    matrix: &Matrix<E>,
    (factors, width): (&[E], usize),
    out: &mut [E],
) {
    let stride = matrix.stride;
    let classes = out.len() / stride;
    for column in (0..matrix.depth).step_by(E::LANES) {
        let mut class = 0;
        while class < classes {
            let factors = (&factors[class..], width);
            let out = &mut out[class * stride + column..];
            let height = height::<S>(classes - class);
            match height {
                14 => along::<S, E, 14>(s, rows, stride, column, factors, out),
                8 => along::<S, E, 8>(s, rows, stride, column, factors, out),
                6 => along::<S, E, 6>(s, rows, stride, column, factors, out),
                4 => along::<S, E, 4>(s, rows, stride, column, factors, out),
                2 => along::<S, E, 2>(s, rows, stride, column, factors, out),
                _ => along::<S, E, 1>(s, rows, stride, column, factors, out),
            }
            class += height;
        }
    }
}

#[inline(always)]
fn along<S: Simd, E: Grouped<S>, const R: usize>(
    s: S,
    rows: &[E],
    stride: usize,
    column: usize,
    (factors, width): (&[E], usize),
    out: &mut [E],
) {
    let mut c = [E::splat(s, E::default()); R];
    for (r, x) in c.iter_mut().enumerate() {
        *x = E::load(s, &out[r * stride..]);
    }
    for row in 0..rows.len() / stride {
        let z = E::load(s, &rows[row * stride + column..]);
        let factors = &factors[row * width..row * width + R];
        for r in 0..R {
            c[r] = E::fma(s, E::splat(s, factors[r]), z, c[r]);
        }
    }
    for (r, x) in c.into_iter().enumerate() {
        E::store(s, x, &mut out[r * stride..r * stride + E::LANES]);
    }
}

/// Lane i takes lane i + w for w = 8, 4, 2, 1.
#[inline(always)]
pub(super) fn tree<E: Real>(mut lanes: [E; 16]) -> E {
    for w in [8, 4, 2, 1] {
        for i in 0..w {
            lanes[i] = lanes[i] + lanes[i + w];
        }
    }
    lanes[0]
}
