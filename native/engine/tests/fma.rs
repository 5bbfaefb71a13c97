//! The emulated fused multiply-add is exact: equal to the C library's over values of every kind.

mod common;

use biobench_engine::isa::fused_multiply_add;
use common::Random;

#[test]
fn emulated_is_exact() {
    let mut r = Random::new(9);
    for i in 0..6_000_000u32 {
        let word = |r: &mut Random| f32::from_bits(r.word() as u32);
        let near = |r: &mut Random| {
            // Few bits and exponents close together: ties, cancellations, subnormal results.
            let fraction = (r.word() as u32 & 0x7f_ffff) & (u32::MAX << (r.within(0, 23)));
            let exponent = (100 + r.within(0, 40)) as u32;
            f32::from_bits((r.word() as u32 & (1 << 31)) | exponent << 23 | fraction)
        };
        let (a, b, c) = match i % 4 {
            0 => (word(&mut r), word(&mut r), word(&mut r)),
            1 => (near(&mut r), near(&mut r), near(&mut r)),
            // The sum lies near a tie of the product's neighbours.
            2 => {
                let (a, b) = (near(&mut r), near(&mut r));
                let c = -(a * b);
                (
                    a,
                    b,
                    f32::from_bits(c.to_bits().wrapping_add(r.within(0, 4) as u32)),
                )
            }
            // Subnormal results.
            _ => {
                let a = near(&mut r);
                let b = f32::from_bits(near(&mut r).to_bits() & 0x8fff_ffff);
                (a, b * 1e-18, f32::from_bits(r.word() as u32 & 0x80ff_ffff))
            }
        };
        let (found, expected) = (fused_multiply_add(a, b, c), a.mul_add(b, c));
        let same = found.to_bits() == expected.to_bits() || (found.is_nan() && expected.is_nan());
        assert!(
            same,
            "fma({a:e}, {b:e}, {c:e}) is {expected:e}, emulated {found:e}"
        );
    }
}
