//! Products at their edges: none, one, and the tails of every tile, group of lanes and block, with every kind of number that
//! is special. Each drawn product is compared with the definition, bit for bit, on every instruction set with one thread, and
//! on the best of them with 2, 3 and 7. `ENGINE_ROUNDS` sets how many are drawn.

mod common;

use std::collections::BTreeSet;

use biobench_engine::definition as plain;
use biobench_engine::functions::Function;
use biobench_engine::gemm::{product, Epilogue, Packed};
use biobench_engine::isa::Isa;
use biobench_engine::Engine;
use common::{assert_same, rounds, Random};

/// A size about one of the borders.
fn about(r: &mut Random, borders: &[usize]) -> usize {
    borders[r.within(0, borders.len() - 1)] + r.within(0, 2) - 1
}

/// Rows, depth and columns. One product of twelve is large in one of them, so that it is cut into blocks or shared by threads.
fn sizes(r: &mut Random) -> (usize, usize, usize) {
    let small = |r: &mut Random| match r.within(0, 3) {
        0 => r.within(0, 3),
        1 => about(r, &[4, 6, 8, 14]),
        _ => r.within(1, 17),
    };
    let columns = |r: &mut Random| match r.within(0, 3) {
        0 => r.within(1, 3),
        1 => about(r, &[4, 8, 16, 32, 48]),
        _ => r.within(1, 35),
    };
    match r.within(0, 35) {
        // More than a task has rows, and the heights that threads share.
        0 => (
            about(r, &[28, 42, 84, 126, 252, 504]),
            r.within(0, 5),
            r.within(1, 5),
        ),
        // Blocks of the depth.
        1 => (r.within(1, 3), about(r, &[384, 768]), r.within(1, 5)),
        // Columns that threads share.
        2 => (r.within(1, 2), r.within(0, 4), about(r, &[128, 192, 448])),
        _ => (small(r), small(r), columns(r)),
    }
}

/// Numbers of one kind: as they come, of any bits, subnormal, such that sums cancel, or as the other tests draw them.
fn numbers(r: &mut Random, n: usize) -> Vec<f32> {
    let kind = r.within(0, 7);
    if kind > 3 {
        return r.numbers(n);
    }
    (0..n)
        .map(|_| match kind {
            0 => f32::from_bits(r.word() as u32),
            1 => f32::from_bits(r.word() as u32 & 0x807f_ffff),
            2 => [1.0, -1.0, 0.0, -0.0, 1.0 + f32::EPSILON, 3e38, -3e38, 1e-38][r.within(0, 7)],
            _ if r.chance(4) => {
                [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX][r.within(0, 3)]
            }
            _ => r.plain(),
        })
        .collect()
}

/// Kinds of numbers that are special.
fn kind(x: f32) -> &'static str {
    match x {
        x if x.is_nan() => "NaN",
        f32::INFINITY => "infinity",
        f32::NEG_INFINITY => "-infinity",
        x if x == 0.0 && x.is_sign_negative() => "-0",
        0.0 => "+0",
        x if x.is_subnormal() => "subnormal",
        _ => "normal",
    }
}

/// Protects: no size and no number gives other bits on another processor.
#[test]
fn products_at_their_edges() {
    let sets = Isa::available();
    let best = sets[sets.len() - 1];
    let each = sets.into_iter().map(|isa| (isa, 1));
    let engines: Vec<Engine> = each
        .chain([2, 3, 7].map(|threads| (best, threads)))
        .map(|(isa, threads)| Engine::with(isa, threads).expect("threads"))
        .collect();
    let (mut given, mut found) = (BTreeSet::new(), BTreeSet::new());
    let (mut heights, mut depths, mut tails) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let count = rounds(4000);
    for round in 0..count {
        let mut r = Random::new(9_000_000 + round);
        let (m, k, n) = sizes(&mut r);
        let (x, w) = (numbers(&mut r, m * k), numbers(&mut r, n * k));
        let bias = r.chance(30).then(|| numbers(&mut r, n));
        let residual = r.chance(30).then(|| numbers(&mut r, m * n));
        let activation = if r.chance(20) {
            Function::ALL[r.within(0, Function::ALL.len() - 1)]
        } else {
            Function::Identity
        };
        let e = Epilogue {
            bias: bias.as_deref(),
            activation,
            residual: residual.as_deref(),
        };
        let expected = plain::products::linear(&x, &w, (m, k, n), e.bias, activation, e.residual);
        let packed = if r.chance(50) {
            Packed::transposed(&w, k, n)
        } else {
            let turned: Vec<f32> = (0..k * n).map(|i| w[i % n * k + i / n]).collect();
            Packed::plain(&turned, k, n)
        };
        for engine in &engines {
            let mut out = vec![f32::NAN; m * n];
            product(engine, &x, &packed, &e, &mut out);
            let (isa, threads) = (engine.isa().name(), engine.threads());
            assert_same(
                &out,
                &expected,
                &format!(
                    "{isa}, {threads} threads: {m} x {k} x {n}, {activation:?}, round {round}"
                ),
            );
        }
        given.extend(x.iter().chain(&w).map(|x| kind(*x)));
        found.extend(expected.iter().map(|x| kind(*x)));
        heights.insert(m.min(18));
        depths.insert(k.min(18));
        tails.insert((n > 16, n % 16));
    }
    let names: Vec<&str> = engines.iter().map(|e| e.isa().name()).collect();
    println!("{count} products, each by {}", names.join(", "));
    if count >= 4000 {
        // What the first lines promise was drawn.
        assert_eq!((given.len(), found.len()), (7, 7), "{given:?}, {found:?}");
        assert_eq!((heights.len(), depths.len(), tails.len()), (19, 19, 32));
    }
}
