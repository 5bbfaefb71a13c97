//! Both products of a block of rows. Every output is one chain of fused multiply-adds; lanes run across outputs.

use super::number::{Grouped, Matrix};
use crate::gemm::tallest;
use crate::isa::Simd;

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
            row += tallest!(
                S,
                count - row,
                across,
                [E],
                (s, rows, matrix, lines, out, width)
            );
        }
    }
}

#[inline(always)]
fn across<S: Simd, const R: usize, E: Grouped<S>>(
    s: S,
    rows: &[E],
    matrix: &Matrix<E>,
    lines: &[E],
    out: &mut [E],
    width: usize,
) -> usize {
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
    R
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
            class += tallest!(
                S,
                classes - class,
                along,
                [E],
                (s, rows, stride, column, factors, out)
            );
        }
    }
}

#[inline(always)]
fn along<S: Simd, const R: usize, E: Grouped<S>>(
    s: S,
    rows: &[E],
    stride: usize,
    column: usize,
    (factors, width): (&[E], usize),
    out: &mut [E],
) -> usize {
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
    R
}
