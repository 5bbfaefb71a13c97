//! Functions and operations of two values give the bits of the definition, as tests/kernels.rs says of the other kernels.

mod common;

use biobench_engine::definition as plain;
use biobench_engine::elementwise::{binary, map, Binary};
use biobench_engine::functions::Function;
use common::{assert_same, engines, rounds, Random};

/// Arguments of every sign and binade, close to the borders of the polynomials, and all special ones.
fn arguments() -> Vec<f32> {
    let mut r = Random::new(5);
    let mut x: Vec<f32> = (0..=u32::MAX).step_by(65_537).map(f32::from_bits).collect();
    for border in [
        0.0f32,
        0.625,
        0.927_734_4,
        4.0,
        6.0,
        3.0,
        90.0,
        110.0,
        88.722_84,
        103.97,
        87.336_55,
    ] {
        for sign in [1.0, -1.0] {
            x.extend((0..20).map(|i| f32::from_bits((border * sign).to_bits().wrapping_add(i))));
            x.extend((0..20).map(|i| f32::from_bits((border * sign).to_bits().wrapping_sub(i))));
        }
    }
    x.extend((0..20_000).map(|_| r.plain() * 12.0));
    x
}

#[test]
fn functions() {
    let x = arguments();
    for (name, engine) in engines().iter().filter(|(_, engine)| engine.threads() < 3) {
        for function in Function::ALL {
            let expected: Vec<f32> = x
                .iter()
                .map(|x| plain::functions::apply(function, *x))
                .collect();
            let mut out = vec![f32::NAN; x.len()];
            map(engine, &x, function, &mut out);
            assert_same(&out, &expected, &format!("{name}: {function:?}"));
        }
    }
}

#[test]
fn operations_on_two() {
    let engines = engines();
    for round in 0..rounds(60) {
        let mut r = Random::new(6000 + round);
        let shape: Vec<usize> = (0..r.within(1, 4)).map(|_| r.within(1, 20)).collect();
        let thin = |r: &mut Random| {
            let from = if r.chance(30) {
                r.within(0, shape.len())
            } else {
                0
            };
            let shape: Vec<usize> = shape[from..]
                .iter()
                .map(|n| if r.chance(30) { 1 } else { *n })
                .collect();
            let numbers = r.numbers(shape.iter().product());
            (shape, numbers)
        };
        let ((a_shape, a), (b_shape, b)) = (thin(&mut r), thin(&mut r));
        let size: usize = shape.iter().product();
        let at = |from: &[usize], mut i: usize| {
            let (mut place, mut step) = (0, 1);
            for (d, n) in shape.iter().enumerate().rev() {
                let digit = i % n;
                i /= n;
                if let Some(d) = (d + from.len()).checked_sub(shape.len()) {
                    place += if from[d] == 1 { 0 } else { digit * step };
                    step *= from[d];
                }
            }
            place
        };
        for (name, engine) in &engines {
            for operation in [Binary::Add, Binary::Sub, Binary::Mul, Binary::Div] {
                let one = |a: f32, b: f32| match operation {
                    Binary::Add => a + b,
                    Binary::Sub => a - b,
                    Binary::Mul => a * b,
                    Binary::Div => a / b,
                };
                let expected: Vec<f32> = (0..size)
                    .map(|i| one(a[at(&a_shape, i)], b[at(&b_shape, i)]))
                    .collect();
                let mut out = vec![f32::NAN; size];
                binary(
                    engine,
                    operation,
                    (&a, &a_shape),
                    (&b, &b_shape),
                    &shape,
                    &mut out,
                );
                assert_same(
                    &out,
                    &expected,
                    &format!("{name}: {operation:?} {a_shape:?} {b_shape:?} to {shape:?}"),
                );
            }
        }
    }
}
