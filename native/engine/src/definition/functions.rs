//! The elementwise functions of one number.

use crate::functions::Function;

fn f(word: u32) -> f32 {
    f32::from_bits(word)
}

fn horner(words: &[u32], x: f32) -> f32 {
    let mut y = f(words[0]);
    for word in &words[1..] {
        y = y.mul_add(x, f(*word));
    }
    y
}

/// e^x
#[must_use]
pub fn exp(x: f32) -> f32 {
    if x.is_nan() {
        return x;
    }
    let x = x.clamp(-110.0, 90.0);
    let n = x.mul_add(f(0x3fb8_aa3b), 12_582_912.0) - 12_582_912.0;
    let r = n.mul_add(f(0xbf31_7200), x);
    let r = n.mul_add(f(0xb5bf_be8e), r);
    let p = horner(
        &[
            0x3ab5_72f7,
            0x3c09_1a8d,
            0x3d2a_abcc,
            0x3e2a_aa4d,
            0x3eff_ffff,
            0x3f80_0000,
            0x3f80_0000,
        ],
        r,
    );
    let half = (n / 2.0).floor();
    p * power_of_two(half) * power_of_two(n - half)
}

fn power_of_two(n: f32) -> f32 {
    f(((n as i32 + 127) as u32) << 23)
}

/// The error function.
#[must_use]
pub fn erf(x: f32) -> f32 {
    if x.is_nan() {
        return x;
    }
    let a = x.abs();
    if a < f(0x3f6d_8000) {
        let words = [
            0xba1c_cf71,
            0x3ba3_93a5,
            0xbcdb_44fc,
            0x3de7_0d44,
            0xbec0_9374,
            0x3e03_75d3,
        ];
        return horner(&words, x * x).mul_add(x, x);
    }
    let a = if a < 4.0 { a } else { 4.0 };
    let words = [
        0xb788_fdac,
        0x39c5_3214,
        0xbb7d_4bc4,
        0x3cc6_8ffa,
        0xbdda_b532,
        0xbf22_837a,
        0xbe03_d19c,
    ];
    let large = 1.0 - exp(horner(&words, a).mul_add(a, -a));
    large.copysign(x)
}

/// The hyperbolic tangent.
#[must_use]
pub fn tanh(x: f32) -> f32 {
    let a = x.abs();
    if a < 0.625 {
        let square = x * x;
        let words = [
            0xbbba_b34b,
            0x3ca9_0249,
            0xbd5c_1b1a,
            0x3e08_837a,
            0xbeaa_aa99,
        ];
        return (horner(&words, square) * square).mul_add(x, x);
    }
    (1.0 - 2.0 / (exp(a + a) + 1.0)).copysign(x)
}

/// 1/(1 + exp(-x))
#[must_use]
pub fn sigmoid(x: f32) -> f32 {
    let e = exp(-x.abs());
    if x > 0.0 {
        1.0 / (1.0 + e)
    } else {
        e / (1.0 + e)
    }
}

fn ramp(x: f32) -> f32 {
    let above = if 0.0 > x { 0.0 } else { x };
    if 6.0 < above {
        6.0
    } else {
        above
    }
}

/// The function of one number.
#[must_use]
pub fn apply(function: Function, x: f32) -> f32 {
    match function {
        Function::Identity => x,
        Function::Exp => exp(x),
        Function::Erf => erf(x),
        Function::Tanh => tanh(x),
        Function::Sigmoid => sigmoid(x),
        Function::Gelu => (x * 0.5) * (1.0 + erf(x * f(0x3f35_04f3))),
        Function::GeluTanh => {
            let u = (x * x).mul_add(f(0x3d12_2279), f(0x3f4c_422a));
            (x * 0.5) * (1.0 + tanh(u * x))
        }
        Function::QuickGelu => x * sigmoid(x * f(0x3fd9_db23)),
        Function::Silu => x * sigmoid(x),
        Function::Relu => {
            if 0.0 > x {
                0.0
            } else {
                x
            }
        }
        Function::Relu6 => ramp(x),
        Function::HardSigmoid => ramp(x + 3.0) / 6.0,
        Function::HardSwish => (x * ramp(x + 3.0)) / 6.0,
        Function::Neg => -x,
        Function::Sqrt => x.sqrt(),
    }
}
