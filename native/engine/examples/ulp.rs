//! The error of the functions over all 2^32 arguments, against the C library in float64, in units of the last place of the
//! exact result: `cargo run --release -p biobench-engine --example ulp`. Minutes.

use biobench_engine::elementwise::map;
use biobench_engine::functions::Function;
use biobench_engine::Engine;

extern "C" {
    fn erf(x: f64) -> f64;
}

type Exact = fn(f64) -> f64;

/// The distance of float32 numbers around `x`.
fn unit(x: f64) -> f64 {
    let exponent = ((x.abs().to_bits() >> 52) as i32 - 1023).max(-126);
    2f64.powi(exponent - 23)
}

fn sigmoid(x: f64) -> f64 {
    if x > 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        x.exp() / (1.0 + x.exp())
    }
}

/// The worst error over the arguments from `first` on, and where.
fn worst(
    engine: &Engine,
    function: Function,
    first: u32,
    count: u32,
    exact: impl Fn(f64) -> f64,
) -> (f64, f32) {
    let x: Vec<f32> = (0..count).map(|i| f32::from_bits(first + i)).collect();
    let mut y = vec![0.0; x.len()];
    map(engine, &x, function, &mut y);
    let mut worst = (0.0, 0.0);
    for (x, y) in x.into_iter().zip(y) {
        let expected = exact(f64::from(x));
        let rounded = expected as f32;
        let error = if x.is_nan() || rounded.is_infinite() {
            if (x.is_nan() && y.is_nan()) || rounded == y {
                0.0
            } else {
                f64::INFINITY
            }
        } else {
            (f64::from(y) - expected).abs() / unit(expected)
        };
        if error > worst.0 {
            worst = (error, x);
        }
    }
    worst
}

fn main() {
    let functions: [(Function, Exact); 4] = [
        (Function::Exp, f64::exp),
        // SAFETY: a function of the C library without conditions.
        (Function::Erf, |x| unsafe { erf(x) }),
        (Function::Tanh, f64::tanh),
        (Function::Sigmoid, sigmoid),
    ];
    const PART: u32 = 1 << 22;
    for (function, exact) in functions {
        let engine = Engine::new(1).expect("one thread");
        let parts = (0..1u32 << 10).map(|i| worst(&engine, function, i * PART, PART, exact));
        let (error, x) = parts.fold((0.0, 0.0), |a, b| if b.0 > a.0 { b } else { a });
        println!(
            "{:8} {error:.4} ulp at {x:e} ({:08x})",
            function.name(),
            x.to_bits()
        );
    }
}
