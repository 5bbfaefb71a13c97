//! Sums and maxima: 16 lanes, lane l takes elements l, l + 16, ...; then a tree.

use crate::isa::{Simd, LANES};

/// Lane i takes lane i + w for w = 8, 4, 2, 1.
#[inline(always)]
pub(crate) fn tree<E: Copy>(mut lanes: [E; LANES], join: impl Fn(E, E) -> E) -> E {
    for w in [8, 4, 2, 1] {
        for i in 0..w {
            lanes[i] = join(lanes[i], lanes[i + w]);
        }
    }
    lanes[0]
}

/// The sum of a list. A short end adds +0, which moves nothing: a sum that starts at +0 is never -0.
#[inline(always)]
pub fn sum<S: Simd>(s: S, x: &[f32]) -> f32 {
    let mut lanes = s.splat(0.0);
    let (groups, rest) = x.as_chunks::<LANES>();
    for group in groups {
        lanes = s.add(lanes, s.load(group));
    }
    if !rest.is_empty() {
        lanes = s.add(lanes, s.load_part(rest, 0.0));
    }
    tree(s.lanes(lanes), |a, b| a + b)
}

/// The sum of (x - centre)^2, each step one fused multiply-add.
#[inline(always)]
pub fn squares<S: Simd>(s: S, x: &[f32], centre: f32) -> f32 {
    let c = s.splat(centre);
    let mut lanes = s.splat(0.0);
    let (groups, rest) = x.as_chunks::<LANES>();
    for group in groups {
        let d = s.sub(s.load(group), c);
        lanes = s.fma(d, d, lanes);
    }
    if !rest.is_empty() {
        let d = s.sub(s.load_part(rest, centre), c);
        lanes = s.fma(d, d, lanes);
    }
    // An infinite centre leaves NaN in lanes that have no element; the definition has it in a lane that has one.
    tree(s.lanes(lanes), |a, b| a + b)
}

/// The maximum of a list, filled with -infinity.
#[inline(always)]
pub fn maximum<S: Simd>(s: S, x: &[f32]) -> f32 {
    let mut lanes = s.splat(f32::NEG_INFINITY);
    let (groups, rest) = x.as_chunks::<LANES>();
    for group in groups {
        lanes = s.max(lanes, s.load(group));
    }
    if !rest.is_empty() {
        lanes = s.max(lanes, s.load_part(rest, f32::NEG_INFINITY));
    }
    tree(s.lanes(lanes), |a, b| if a > b { a } else { b })
}
