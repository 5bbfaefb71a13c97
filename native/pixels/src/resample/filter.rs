//! The continuous filters, in the order of operations that decides their last bit.

use std::f64::consts::PI;

use crate::recipe::Filter;

/// A filter and the radius outside which it is zero.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub value: fn(f64) -> f64,
    pub support: f64,
}

/// The shape of a filter; `None` for the one that is not a convolution.
pub(super) fn shape(filter: Filter) -> Option<Shape> {
    let (value, support): (fn(f64) -> f64, f64) = match filter {
        Filter::Nearest => return None,
        Filter::Box => (rectangle, 0.5),
        Filter::Bilinear => (triangle, 1.0),
        Filter::Hamming => (hamming, 1.0),
        Filter::Bicubic => (bicubic, 2.0),
        Filter::Lanczos => (lanczos, 3.0),
    };
    Some(Shape { value, support })
}

fn rectangle(x: f64) -> f64 {
    if x > -0.5 && x <= 0.5 {
        1.0
    } else {
        0.0
    }
}

fn triangle(x: f64) -> f64 {
    let x = x.abs();
    if x < 1.0 {
        1.0 - x
    } else {
        0.0
    }
}

/// The two constants are single-precision numbers: Pillow writes them with an `f`.
fn hamming(x: f64) -> f64 {
    let x = x.abs();
    if x == 0.0 {
        return 1.0;
    }
    if x >= 1.0 {
        return 0.0;
    }
    let x = x * PI;
    x.sin() / x * (f64::from(0.54f32) + f64::from(0.46f32) * x.cos())
}

/// R. G. Keys, "Cubic convolution interpolation for digital image processing", 1981, a = -0.5.
fn bicubic(x: f64) -> f64 {
    const A: f64 = -0.5;
    let x = x.abs();
    if x < 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * A
    } else {
        0.0
    }
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 {
        return 1.0;
    }
    let x = x * PI;
    x.sin() / x
}

fn lanczos(x: f64) -> f64 {
    if (-3.0..3.0).contains(&x) {
        sinc(x) * sinc(x / 3.0)
    } else {
        0.0
    }
}
