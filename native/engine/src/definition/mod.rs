//! The definition of every operation in plain scalar loops, one number at a time. Tests compare the kernels with it,
//! bit for bit; nothing calls it in production. It shares the sizes of [`crate::shapes`] with the kernels and no code.
//!
//! SPEC.md, section "Exact arithmetic", says the same in words.

pub mod functions;
pub mod norms;
pub mod products;
pub mod regression;
pub mod training;
pub mod windows;

/// The sum of a list: lane l of 16 adds elements l, l + 16, ... from +0; then lane i takes lane i + w for
/// w = 8, 4, 2, 1.
#[must_use]
pub fn sum(elements: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 16];
    for (i, x) in elements.iter().enumerate() {
        lanes[i % 16] += x;
    }
    tree(lanes)
}

/// The sum of squares: as [`sum`], each step one fused multiply-add.
#[must_use]
pub fn sum_of_squares(elements: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 16];
    for (i, x) in elements.iter().enumerate() {
        lanes[i % 16] = x.mul_add(*x, lanes[i % 16]);
    }
    tree(lanes)
}

fn tree(mut lanes: [f32; 16]) -> f32 {
    for w in [8, 4, 2, 1] {
        for i in 0..w {
            lanes[i] += lanes[i + w];
        }
    }
    lanes[0]
}

/// The larger of two; b where one is NaN or both are zero.
#[must_use]
pub fn larger(a: f32, b: f32) -> f32 {
    if a > b {
        a
    } else {
        b
    }
}

/// The maximum of a list, filled with -infinity to a multiple of 16: lane = larger(lane, element) from -infinity, then
/// the tree of [`sum`].
#[must_use]
pub fn maximum(elements: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; 16];
    for i in 0..elements.len().next_multiple_of(16) {
        lanes[i % 16] = larger(
            lanes[i % 16],
            *elements.get(i).unwrap_or(&f32::NEG_INFINITY),
        );
    }
    for w in [8, 4, 2, 1] {
        for i in 0..w {
            lanes[i] = larger(lanes[i], lanes[i + w]);
        }
    }
    lanes[0]
}
