//! The group as an array, for a processor without the instruction sets and as the twin that others are compared with.

use super::simd::{Lanes, Simd, WideLanes, LANES, MAGIC, WIDE_LANES};

/// No instruction set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scalar;

/// a * b + c rounded once, also on a processor that has no such instruction.
///
/// The product is exact in float64. The sum is rounded to odd there: where it is not exact and its last bit is 0, it
/// moves by one bit towards the exact sum. 53 bits are more than twice 24 and two, so rounding that to float32 is
/// right, also where the result is subnormal.
#[inline(always)]
#[must_use]
pub fn fused_multiply_add(a: f32, b: f32, c: f32) -> f32 {
    let product = f64::from(a) * f64::from(b);
    let c = f64::from(c);
    let sum = product + c;
    // The exact error of the sum (Knuth), NaN where the sum is not finite.
    let back = sum - product;
    let error = (product - (sum - back)) + (c - back);
    let bits = sum.to_bits();
    let odd = if (error != 0.0) & sum.is_finite() & (bits & 1 == 0) {
        let away = (error > 0.0) == (sum > 0.0);
        f64::from_bits(if away { bits + 1 } else { bits - 1 })
    } else {
        sum
    };
    odd as f32
}

#[inline(always)]
fn each(f: impl Fn(usize) -> f32) -> Lanes {
    let mut lanes = [0.0; LANES];
    for (i, lane) in lanes.iter_mut().enumerate() {
        *lane = f(i);
    }
    lanes
}

impl Simd for Scalar {
    type Group = Lanes;
    type Wide = WideLanes;
    const TILE: (usize, usize) = (2, 1);

    #[inline(always)]
    fn splat(self, x: f32) -> Lanes {
        [x; LANES]
    }
    #[inline(always)]
    fn load(self, from: &Lanes) -> Lanes {
        *from
    }
    #[inline(always)]
    fn store(self, x: Lanes, to: &mut Lanes) {
        *to = x;
    }
    #[inline(always)]
    fn add(self, a: Lanes, b: Lanes) -> Lanes {
        each(|i| a[i] + b[i])
    }
    #[inline(always)]
    fn sub(self, a: Lanes, b: Lanes) -> Lanes {
        each(|i| a[i] - b[i])
    }
    #[inline(always)]
    fn mul(self, a: Lanes, b: Lanes) -> Lanes {
        each(|i| a[i] * b[i])
    }
    #[inline(always)]
    fn div(self, a: Lanes, b: Lanes) -> Lanes {
        each(|i| a[i] / b[i])
    }
    #[inline(always)]
    fn sqrt(self, a: Lanes) -> Lanes {
        each(|i| a[i].sqrt())
    }
    #[inline(always)]
    fn fma(self, a: Lanes, b: Lanes, c: Lanes) -> Lanes {
        each(|i| fused_multiply_add(a[i], b[i], c[i]))
    }
    #[inline(always)]
    fn max(self, a: Lanes, b: Lanes) -> Lanes {
        each(|i| if a[i] > b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn min(self, a: Lanes, b: Lanes) -> Lanes {
        each(|i| if a[i] < b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn choose(self, a: Lanes, b: Lanes, x: Lanes, y: Lanes) -> Lanes {
        each(|i| if a[i] > b[i] { x[i] } else { y[i] })
    }
    #[inline(always)]
    fn abs(self, a: Lanes) -> Lanes {
        each(|i| a[i].abs())
    }
    #[inline(always)]
    fn neg(self, a: Lanes) -> Lanes {
        each(|i| -a[i])
    }
    #[inline(always)]
    fn copysign(self, a: Lanes, b: Lanes) -> Lanes {
        each(|i| a[i].copysign(b[i]))
    }
    #[inline(always)]
    fn powers(self, t: Lanes) -> (Lanes, Lanes) {
        let whole = |i: usize| (t[i].to_bits() as i32).wrapping_sub(MAGIC.to_bits() as i32);
        let power = |n: i32| f32::from_bits((n.wrapping_add(127) as u32) << 23);
        (
            each(|i| power(whole(i) >> 1)),
            each(|i| power(whole(i) - (whole(i) >> 1))),
        )
    }
    #[inline(always)]
    fn wide_splat(self, x: f64) -> WideLanes {
        [x; WIDE_LANES]
    }
    #[inline(always)]
    fn wide_load(self, from: &WideLanes) -> WideLanes {
        *from
    }
    #[inline(always)]
    fn wide_store(self, x: WideLanes, to: &mut WideLanes) {
        *to = x;
    }
    #[inline(always)]
    fn wide_fma(self, a: WideLanes, b: WideLanes, c: WideLanes) -> WideLanes {
        let mut lanes = [0.0; WIDE_LANES];
        for (i, lane) in lanes.iter_mut().enumerate() {
            // The C library has it exact, also without the instruction.
            *lane = a[i].mul_add(b[i], c[i]);
        }
        lanes
    }
}
