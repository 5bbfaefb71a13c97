//! What constants of a model are computed with, once, when its program is made: sine, cosine, logarithm, powers, and the
//! resize of position embeddings. Float64 with + - * / alone, rounded to float32 by whoever keeps the result, so that every
//! machine has the same bits; a library's functions differ between its own versions. Plain loops: this is the definition
//! and the only form.

use crate::isa::environment::Environment;

/// pi/2 in three parts of at most 33 bits, so that their products with a small integer are exact, and the rest.
const HALF_PI: [f64; 3] = [
    f64::from_bits(0x3ff9_21fb_5440_0000),
    f64::from_bits(0x3dd0_b461_1a60_0000),
    f64::from_bits(0x3ba3_198a_2e03_7073),
];
/// 2/pi
const TWO_OVER_PI: f64 = f64::from_bits(0x3fe4_5f30_6dc9_c883);
/// ln 2 in two parts, the first of 32 bits.
pub(crate) const LN2: [f64; 2] = [
    f64::from_bits(0x3fe6_2e42_fee0_0000),
    f64::from_bits(0x3dea_39ef_3579_3c76),
];
/// 1/ln 2
pub(crate) const LOG2_E: f64 = f64::from_bits(0x3ff7_1547_652b_82fe);

/// 1.5 * 2^52: added to a number below 2^51 it rounds it to an integer, which its lowest bits then hold.
pub(crate) const NEAREST: f64 = 6_755_399_441_055_744.0;

/// The nearest integer, a tie to the even one, of a number below 2^51.
fn nearest(x: f64) -> f64 {
    (x + NEAREST) - NEAREST
}

/// 1/n! for n of the given parity, to the power of 21.
fn series(square: f64, first: u32) -> f64 {
    let mut y = 0.0;
    for n in (0..=10).rev() {
        let mut factorial = 1.0;
        for i in 2..=(2 * n + first) {
            factorial *= f64::from(i);
        }
        let sign = if n % 2 == 0 { 1.0 } else { -1.0 };
        y = y * square + sign / factorial;
    }
    y
}

/// Sine and cosine of an argument of at most 2^19 in absolute value; NaN beyond.
fn circular(x: f64) -> (f64, f64) {
    if x.is_nan() || x.abs() > 524_288.0 {
        return (f64::NAN, f64::NAN);
    }
    let n = nearest(x * TWO_OVER_PI);
    let r = ((x - n * HALF_PI[0]) - n * HALF_PI[1]) - n * HALF_PI[2];
    let square = r * r;
    let (sine, cosine) = (r * series(square, 1), series(square, 0));
    match (n as i64).rem_euclid(4) {
        0 => (sine, cosine),
        1 => (cosine, -sine),
        2 => (-sine, -cosine),
        _ => (-cosine, sine),
    }
}

/// The sine, NaN beyond 2^19.
#[must_use]
pub fn sin(x: f64) -> f64 {
    let _environment = Environment::standard();
    circular(x).0
}

/// The cosine, NaN beyond 2^19.
#[must_use]
pub fn cos(x: f64) -> f64 {
    let _environment = Environment::standard();
    circular(x).1
}

/// The natural logarithm of a positive normal number.
pub(crate) fn log(x: f64) -> f64 {
    let bits = x.to_bits();
    // x = 2^e m with m from sqrt(1/2) to sqrt(2).
    let shifted = bits.wrapping_sub(0x3fe6_a09e_667f_3bcd);
    let e = (shifted as i64 >> 52) as f64;
    let m = f64::from_bits(bits.wrapping_sub(shifted & 0xfff0_0000_0000_0000));
    // log m = 2 atanh(z), z = (m - 1)/(m + 1), below 0.172.
    let z = (m - 1.0) / (m + 1.0);
    let square = z * z;
    let mut y = 0.0;
    for n in (0..=11).rev() {
        y = y * square + 1.0 / f64::from(2 * n + 1);
    }
    e * LN2[0] + (e * LN2[1] + 2.0 * z * y)
}

/// The natural logarithm of a positive normal number; NaN of all else.
#[must_use]
pub fn ln(x: f64) -> f64 {
    let _environment = Environment::standard();
    if x >= f64::MIN_POSITIVE && x.is_finite() {
        log(x)
    } else {
        f64::NAN
    }
}

/// e^x for x between -700 and 700.
fn exp(x: f64) -> f64 {
    let n = nearest(x * LOG2_E);
    let r = (x - n * LN2[0]) - n * LN2[1];
    let mut y = 1.0;
    for k in (1..=13).rev() {
        y = y * r / f64::from(k) + 1.0;
    }
    y * f64::from_bits(((n as i64 + 1023) as u64) << 52)
}

/// `base` to the power of `exponent` for a positive base that is not subnormal; NaN where the base is another or one of
/// them is not finite. Beyond e^+-700 infinite or 0.
#[must_use]
pub fn pow(base: f64, exponent: f64) -> f64 {
    let _environment = Environment::standard();
    if !(base >= f64::MIN_POSITIVE && base.is_finite() && exponent.is_finite()) {
        return f64::NAN;
    }
    let x = exponent * log(base);
    if x > 700.0 {
        f64::INFINITY
    } else if x < -700.0 {
        0.0
    } else {
        exp(x)
    }
}

/// How an image is resized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interpolation {
    /// The triangle of width 2.
    Bilinear,
    /// Cubic convolution, a = -0.75; with antialiasing a = -0.5.
    Bicubic,
}

impl Interpolation {
    fn support(self) -> f64 {
        match self {
            Self::Bilinear => 1.0,
            Self::Bicubic => 2.0,
        }
    }

    fn weight(self, x: f64, a: f64) -> f64 {
        let x = x.abs();
        match self {
            Self::Bilinear if x < 1.0 => 1.0 - x,
            Self::Bicubic if x < 1.0 => ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0,
            Self::Bicubic if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * a,
            _ => 0.0,
        }
    }
}

/// The places and weights of one side: of output i, whose centre is (i + 0.5) `input` / `output`.
fn weights(
    how: Interpolation,
    input: usize,
    output: usize,
    antialias: bool,
) -> Vec<Vec<(usize, f64)>> {
    let scale = input as f64 / output as f64;
    let wide = if antialias && scale > 1.0 { scale } else { 1.0 };
    let a = if antialias { -0.5 } else { -0.75 };
    (0..output)
        .map(|i| {
            let centre = (i as f64 + 0.5) * scale;
            let mut row = Vec::new();
            if antialias {
                let support = how.support() * wide;
                let first = (centre - support + 0.5).floor().max(0.0) as usize;
                let end = ((centre + support + 0.5).floor() as usize).min(input);
                let mut total = 0.0;
                for x in first..end {
                    let w = how.weight((x as f64 - centre + 0.5) / wide, a);
                    total += w;
                    row.push((x, w));
                }
                for (_, w) in &mut row {
                    *w /= total;
                }
            } else {
                // Taps beyond the border take the value at the border.
                let place = centre - 0.5;
                let base = place.floor();
                let reach = how.support() as i64;
                for x in 1 - reach..=reach {
                    let at = (base as i64 + x).clamp(0, input as i64 - 1) as usize;
                    row.push((at, how.weight(x as f64 - (place - base), a)));
                }
            }
            row
        })
        .collect()
}

/// Resizes `x` (height, width, channels) to (rows, columns, channels): columns first, then rows, each a sum from +0 in
/// ascending order in float64; rounded once, at the end.
///
/// # Panics
///
/// Where the sizes do not fit.
#[must_use]
pub fn resize(
    x: &[f32],
    (height, width, channels): (usize, usize, usize),
    (rows, columns): (usize, usize),
    how: Interpolation,
    antialias: bool,
) -> Vec<f32> {
    assert_eq!(x.len(), height * width * channels, "the image");
    let _environment = Environment::standard();
    let mut middle = vec![0.0f64; height * columns * channels];
    for (j, taps) in weights(how, width, columns, antialias).iter().enumerate() {
        for i in 0..height {
            for c in 0..channels {
                let mut sum = 0.0;
                for (at, w) in taps {
                    sum += w * f64::from(x[(i * width + at) * channels + c]);
                }
                middle[(i * columns + j) * channels + c] = sum;
            }
        }
    }
    let mut out = Vec::with_capacity(rows * columns * channels);
    for taps in &weights(how, height, rows, antialias) {
        for j in 0..columns {
            for c in 0..channels {
                let mut sum = 0.0;
                for (at, w) in taps {
                    sum += w * middle[(at * columns + j) * channels + c];
                }
                out.push(sum as f32);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Some units in the last place of float64, so that a result rounded to float32 is the nearest or the next.
    fn close(found: f64, expected: f64, units: f64) -> bool {
        (found - expected).abs() <= expected.abs() * units * f64::EPSILON + 1e-45
    }

    #[test]
    fn sine_and_cosine_are_those_of_float64() {
        for i in 0..200_000u32 {
            let x = f32::from_bits(i.wrapping_mul(2_654_435_761) & 0x7fff_ffff);
            // Float32 arguments, and such as float32 does not have.
            for x in [f64::from(x), -f64::from(x), f64::from(x) / 3.0] {
                if x.abs() < 524_288.0 {
                    // The reduction leaves 2^-102 of the quarter turns that are taken off.
                    let rest = x.abs() * 1e-21;
                    for (found, expected) in [(sin(x), x.sin()), (cos(x), x.cos())] {
                        assert!(
                            close(found, expected, 4.0) || (found - expected).abs() < rest,
                            "{x:e}: {found:e}, {expected:e}"
                        );
                    }
                } else {
                    assert!(sin(x).is_nan() && cos(x).is_nan());
                }
            }
        }
    }

    #[test]
    fn powers_are_those_of_float64() {
        for i in 1..200_000u32 {
            let base = f64::from(f32::from_bits(i.wrapping_mul(2_654_435_761) & 0x7f7f_ffff));
            let exponent = f64::from(i % 401) / 100.0 - 2.0;
            let (found, expected) = (pow(base, exponent), base.powf(exponent));
            // The error of the exponent is absolute, and so grows with it.
            let units = 4.0 + 2.0 * (exponent * base.ln()).abs();
            assert!(
                base == 0.0 || close(found, expected, units),
                "{base:e} to {exponent}: {found:e}, {expected:e}"
            );
        }
        assert!(
            pow(-1.0, 2.0).is_nan()
                && pow(f64::NAN, 0.0).is_nan()
                && pow(1e-310, 1.0).is_nan()
                && pow(2.0, f64::INFINITY).is_nan()
        );
        assert_eq!((pow(10.0, 400.0), pow(10.0, -400.0)), (f64::INFINITY, 0.0));
    }

    #[test]
    fn logarithms_are_those_of_float64() {
        for i in 0..200_000u64 {
            let x = f64::from_bits(i.wrapping_mul(0x9e37_79b9_7f4a_7c15) & 0x7fff_ffff_ffff_ffff);
            if x.is_normal() {
                let (found, expected) = (ln(x), x.ln());
                assert!(
                    close(found, expected, 4.0),
                    "{x:e}: {found:e}, {expected:e}"
                );
            }
        }
        assert_eq!(ln(1.0), 0.0);
        for x in [0.0, -1.0, 1e-310, f64::INFINITY, f64::NAN] {
            assert!(ln(x).is_nan(), "{x}");
        }
    }

    #[test]
    fn a_resize_to_the_same_size_is_the_image() {
        let x: Vec<f32> = (0..5 * 7 * 3).map(|i| (i as f32).sqrt()).collect();
        for how in [Interpolation::Bilinear, Interpolation::Bicubic] {
            for antialias in [false, true] {
                assert_eq!(resize(&x, (5, 7, 3), (5, 7), how, antialias), x);
            }
        }
    }

    /// Values of torch 2.15: `interpolate(arange(12).square().reshape(1, 1, 3, 4), (5, 2), mode=..., antialias=...)`.
    #[test]
    fn torch_resizes_likewise() {
        let x: Vec<f32> = (0..12).map(|i| (i * i) as f32).collect();
        for (how, antialias, expected) in TORCH {
            let found = resize(&x, (3, 4, 1), (5, 2), how, antialias);
            for (a, b) in found.iter().zip(expected) {
                assert!(
                    (a - b).abs() < 2e-5 * 121.0,
                    "{how:?}, antialias {antialias}: {found:?}"
                );
            }
        }
    }

    const TORCH: [(Interpolation, bool, [f32; 10]); 4] = [
        (
            Interpolation::Bilinear,
            false,
            [0.5, 6.5, 8.5, 20.9, 20.5, 42.5, 51.7, 83.3, 72.5, 110.5],
        ),
        (
            Interpolation::Bilinear,
            true,
            [
                1.0, 5.7143, 9.6857, 19.4286, 22.7143, 40.0, 54.9429, 79.7714, 76.4286, 106.2857,
            ],
        ),
        (
            Interpolation::Bicubic,
            false,
            [
                -1.6293, 3.2532, 3.9978, 16.0903, 19.4688, 43.5312, 52.2197, 88.2523, 75.6388,
                118.8813,
            ],
        ),
        (
            Interpolation::Bicubic,
            true,
            [
                -0.9585, 3.4181, 5.5023, 15.4523, 21.2975, 41.3884, 56.4361, 86.6678, 77.9687,
                113.7739,
            ],
        ),
    ];
}
