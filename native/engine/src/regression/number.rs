//! What the products of both precisions share: the numbers, matrices of them, packed factors.

use std::ops::{Add, Mul, Sub};

use crate::isa::{Simd, LANES, WIDE_LANES};

/// A number of either precision.
pub(super) trait Real:
    Copy + Default + PartialOrd + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self>
{
    /// Numbers of a group.
    const LANES: usize;
    /// The nearest one.
    fn rounded(x: f64) -> Self;
    /// The same number.
    fn exact(self) -> f64;
}

impl Real for f32 {
    const LANES: usize = LANES;
    #[inline(always)]
    fn rounded(x: f64) -> Self {
        x as f32
    }
    #[inline(always)]
    fn exact(self) -> f64 {
        f64::from(self)
    }
}

impl Real for f64 {
    const LANES: usize = WIDE_LANES;
    #[inline(always)]
    fn rounded(x: f64) -> Self {
        x
    }
    #[inline(always)]
    fn exact(self) -> f64 {
        self
    }
}

/// Groups of a number in an instruction set.
pub(super) trait Grouped<S: Simd>: Real {
    /// A group in registers.
    type Group: Copy;
    /// `x` in all lanes.
    fn splat(s: S, x: Self) -> Self::Group;
    /// The first numbers of a list.
    fn load(s: S, from: &[Self]) -> Self::Group;
    /// To the first numbers of a list.
    fn store(s: S, x: Self::Group, to: &mut [Self]);
    /// a * b + c, rounded once.
    fn fma(s: S, a: Self::Group, b: Self::Group, c: Self::Group) -> Self::Group;
}

impl<S: Simd> Grouped<S> for f32 {
    type Group = S::Group;
    #[inline(always)]
    fn splat(s: S, x: Self) -> S::Group {
        s.splat(x)
    }
    #[inline(always)]
    fn load(s: S, from: &[Self]) -> S::Group {
        s.load(from.first_chunk().expect("a whole group"))
    }
    #[inline(always)]
    fn store(s: S, x: S::Group, to: &mut [Self]) {
        s.store(x, to.first_chunk_mut().expect("a whole group"));
    }
    #[inline(always)]
    fn fma(s: S, a: S::Group, b: S::Group, c: S::Group) -> S::Group {
        s.fma(a, b, c)
    }
}

impl<S: Simd> Grouped<S> for f64 {
    type Group = S::Wide;
    #[inline(always)]
    fn splat(s: S, x: Self) -> S::Wide {
        s.wide_splat(x)
    }
    #[inline(always)]
    fn load(s: S, from: &[Self]) -> S::Wide {
        s.wide_load(from.first_chunk().expect("a whole group"))
    }
    #[inline(always)]
    fn store(s: S, x: S::Wide, to: &mut [Self]) {
        s.wide_store(x, to.first_chunk_mut().expect("a whole group"));
    }
    #[inline(always)]
    fn fma(s: S, a: S::Wide, b: S::Wide, c: S::Wide) -> S::Wide {
        s.wide_fma(a, b, c)
    }
}

/// Rows of which each is followed by a 1 and by zeros; their starts lie an odd number of groups apart, so that a column of
/// them does not fall into one set of the cache.
#[derive(Clone, Debug)]
pub(super) struct Matrix<E> {
    pub values: Vec<E>,
    pub stride: usize,
    /// Numbers of a row with its 1.
    pub depth: usize,
}

impl Matrix<f64> {
    /// Copies `rows` (n, features).
    pub fn with_ones(rows: &[f64], features: usize) -> Self {
        let depth = features + 1;
        let stride = (depth.div_ceil(LANES) | 1) * LANES;
        let count = rows.len().checked_div(features).unwrap_or(0);
        let mut values = vec![0.0; count * stride];
        for (to, row) in values.chunks_mut(stride).zip(rows.chunks(features.max(1))) {
            to[..features].copy_from_slice(row);
            to[features] = 1.0;
        }
        Self {
            values,
            stride,
            depth,
        }
    }
}

impl<E: Real> Matrix<E> {
    /// Rows of a block: about half of the second cache, and whole tiles of most instruction sets.
    pub fn block(&self) -> usize {
        let rows = (1 << 18) / (self.stride * size_of::<E>());
        (rows / 12 * 12).clamp(12, 96)
    }

    /// `count` rows from `first` on.
    #[inline(always)]
    pub fn part(&self, first: usize, count: usize) -> &[E] {
        &self.values[first * self.stride..(first + count) * self.stride]
    }
}

/// A point (classes, depth), element by element as a factor of a product: groups of classes, in each the numbers of a place
/// side by side.
#[inline(always)]
pub(super) fn packed<E: Real>(point: &[f64], depth: usize, at: impl Fn(f64) -> E) -> Vec<E> {
    let classes = point.len() / depth;
    let mut lines = vec![E::default(); classes.next_multiple_of(E::LANES) * depth];
    for c in 0..classes {
        let (group, lane) = (c / E::LANES, c % E::LANES);
        let lines = &mut lines[group * depth * E::LANES..(group + 1) * depth * E::LANES];
        let row = &point[c * depth..(c + 1) * depth];
        for k in 0..depth {
            lines[k * E::LANES + lane] = at(row[k]);
        }
    }
    lines
}
