//! Sequential minimal optimisation: the definition's bits, on any instruction set, whatever is kept of the products.

mod common;

use biobench_engine::hinge::{minimise, products, Machine};
use biobench_engine::isa::Isa;
use common::{engines, rounds, Random};

fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sum = 0.0;
    for (x, y) in a.iter().zip(b) {
        sum += x * y;
    }
    sum
}

/// Step 3 of the section as plain loops: dual variables and gaps, of which the steps end at `tolerance`.
fn plain(rows: &[Vec<f64>], signs: &[f64], limit: f64, tolerance: f64) -> Vec<f64> {
    let count = rows.len();
    let (mut dual, mut gaps) = (vec![0.0; count], signs.to_vec());
    loop {
        let may_grow = |i: usize, dual: &[f64]| {
            if signs[i] > 0.0 {
                dual[i] < limit
            } else {
                dual[i] > 0.0
            }
        };
        let may_shrink = |i: usize, dual: &[f64]| {
            if signs[i] > 0.0 {
                dual[i] > 0.0
            } else {
                dual[i] < limit
            }
        };
        let bend = |i: usize, j: usize| {
            let bend =
                dot(&rows[i], &rows[i]) + dot(&rows[j], &rows[j]) - 2.0 * dot(&rows[i], &rows[j]);
            if bend > 1e-12 {
                bend
            } else {
                1e-12
            }
        };
        let mut up = None;
        for i in 0..count {
            if may_grow(i, &dual) && up.is_none_or(|best: usize| gaps[i] > gaps[best]) {
                up = Some(i);
            }
        }
        let up = up.expect("both signs occur");
        let (mut down, mut best, mut lowest) = (None, 0.0, f64::INFINITY);
        for j in 0..count {
            if may_shrink(j, &dual) {
                lowest = f64::min(lowest, gaps[j]);
                let gap: f64 = gaps[up] - gaps[j];
                if gap > 0.0 && gap * gap / bend(up, j) > best {
                    best = gap * gap / bend(up, j);
                    down = Some(j);
                }
            }
        }
        let Some(down) = down.filter(|_| gaps[up] - lowest > tolerance) else {
            return dual;
        };
        let above = if signs[up] > 0.0 {
            limit - dual[up]
        } else {
            dual[up]
        };
        let below = if signs[down] > 0.0 {
            dual[down]
        } else {
            limit - dual[down]
        };
        let mut step = (gaps[up] - gaps[down]) / bend(up, down);
        if above < step {
            step = above;
        }
        if below < step {
            step = below;
        }
        dual[up] = match (step == above, signs[up] > 0.0) {
            (false, _) => dual[up] + signs[up] * step,
            (true, true) => limit,
            (true, false) => 0.0,
        };
        dual[down] = match (step == below, signs[down] > 0.0) {
            (false, _) => dual[down] - signs[down] * step,
            (true, true) => 0.0,
            (true, false) => limit,
        };
        for i in 0..count {
            gaps[i] -= step * (dot(&rows[up], &rows[i]) - dot(&rows[down], &rows[i]));
        }
    }
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|x| x.to_bits()).collect()
}

/// Rows in general position, or on a grid, where they repeat and lie on one line.
fn drawn(r: &mut Random, count: usize, depth: usize) -> Vec<Vec<f64>> {
    let grid = r.chance(40);
    let mut row = || -> Vec<f64> {
        if grid {
            (0..depth)
                .map(|_| r.within(0, 4) as f64 / 3.0 - 0.5)
                .collect()
        } else {
            r.numbers(depth)
                .iter()
                .map(|x| f64::from(x.clamp(-2.0, 2.0)))
                .map(|x| if x.is_nan() { 0.5 } else { x })
                .collect()
        }
    };
    (0..count).map(|_| row()).collect()
}

#[test]
fn duals_are_the_definitions() {
    for round in 0..rounds(60) {
        let mut r = Random::new(7000 + round);
        let (count, depth) = (r.within(2, 40), r.within(1, 30));
        let rows = drawn(&mut r, count, depth);
        let mut signs = vec![1.0, -1.0];
        signs.extend((2..count).map(|_| if r.chance(50) { 1.0 } else { -1.0 }));
        let limit = [0.01, 1.0, 10.0][r.within(0, 2)];
        let expected = plain(&rows, &signs, limit, 1e-6);
        let flat: Vec<f64> = rows.concat();
        for isa in Isa::available() {
            let machine = Machine {
                kept: [0, 1 << 30][r.within(0, 1)],
                rows: &flat,
                depth,
                signs: &signs,
                limit,
                tolerance: 1e-6,
            };
            let found = minimise(isa, &machine, usize::MAX, &|| false).expect("nothing stops it");
            assert_eq!(
                bits(&found),
                bits(&expected),
                "{}, round {round}",
                isa.name()
            );
        }
    }
}

#[test]
fn products_are_sums_from_left_to_right() {
    let engines = engines();
    for round in 0..rounds(60) {
        let mut r = Random::new(7500 + round);
        let (n, m, depth) = (r.within(1, 30), r.within(1, 30), r.within(1, 50));
        let (left, right) = (drawn(&mut r, n, depth), drawn(&mut r, m, depth));
        let expected: Vec<f64> = left
            .iter()
            .flat_map(|a| right.iter().map(|b| dot(a, b)))
            .collect();
        for (name, engine) in &engines {
            let mut out = vec![f64::NAN; n * m];
            products(engine, &left.concat(), &right.concat(), depth, &mut out);
            assert_eq!(bits(&out), bits(&expected), "{name}, round {round}");
        }
    }
}

#[test]
fn it_can_be_stopped() {
    let machine = Machine {
        kept: 0,
        rows: &[1.0, -1.0],
        depth: 1,
        signs: &[1.0, -1.0],
        limit: 1.0,
        tolerance: 1e-9,
    };
    assert_eq!(
        minimise(Isa::available()[0], &machine, usize::MAX, &|| true),
        None
    );
    assert_eq!(
        minimise(Isa::available()[0], &machine, usize::MAX, &|| false),
        Some(vec![0.5, 0.5])
    );
}
