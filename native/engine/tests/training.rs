//! A step of each trained head gives the bits of the definition, on every instruction set of this processor, with any
//! number of threads. `ENGINE_ROUNDS` sets how many random cases each test draws.

mod common;

use biobench_engine::definition::training::{Linear, Trained, Traits};
use biobench_engine::training::{Activation, AdamW, Batch, LinearHead, TraitsHead};
use common::{assert_same, engines, rounds, Random};

const ADAMW: AdamW = AdamW {
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weight_decay: 0.3,
};

fn plain(r: &mut Random, n: usize) -> Vec<f32> {
    (0..n).map(|_| r.plain()).collect()
}

/// Features, of which some draws leave the finite numbers or underflow.
struct Drawn {
    rows: usize,
    features: usize,
    x: Vec<f32>,
    batches: Vec<Option<Vec<usize>>>,
}

fn drawn(r: &mut Random) -> Drawn {
    let rows = [r.within(1, 40), r.within(200, 300), r.within(500, 600)][r.within(0, 2)];
    let features = [r.within(1, 40), r.within(120, 150), r.within(256, 300)][r.within(0, 2)];
    let x = if r.chance(70) {
        plain(r, rows * features)
    } else {
        r.numbers(rows * features)
    };
    let batches = (0..3)
        .map(|_| {
            r.chance(60)
                .then(|| (0..rows).filter(|_| r.chance(70)).collect())
        })
        .map(|batch: Option<Vec<usize>>| batch.filter(|rows| !rows.is_empty()))
        .collect();
    Drawn {
        rows,
        features,
        x,
        batches,
    }
}

fn rows_of<T: Copy>(all: &[T], width: usize, rows: Option<&[usize]>) -> Vec<T> {
    let every: Vec<usize> = (0..all.len() / width).collect();
    let rows = rows.unwrap_or(&every);
    rows.iter()
        .flat_map(|row| all[row * width..(row + 1) * width].iter().copied())
        .collect()
}

#[test]
fn linear_heads() {
    let engines = engines();
    for round in 0..rounds(12) {
        let mut r = Random::new(5000 + round);
        let d = drawn(&mut r);
        let classes = [r.within(2, 20), r.within(30, 70)][r.within(0, 1)];
        let labels: Vec<usize> = (0..d.rows).map(|_| r.within(0, classes - 1)).collect();
        let weight = plain(&mut r, classes * d.features);
        let (gamma, beta) = (plain(&mut r, d.features), plain(&mut r, d.features));
        let bias = plain(&mut r, classes);
        let mut expected =
            Linear([&weight, &gamma, &beta, &bias].map(|values| Trained::new(values.clone())));
        let mut heads: Vec<_> = engines
            .iter()
            .map(|(_, engine)| {
                LinearHead::new(engine, &weight, gamma.clone(), beta.clone(), bias.clone())
                    .expect("sizes")
            })
            .collect();
        let mut powers = (1.0, 1.0);
        for (step, rows) in d.batches.iter().enumerate() {
            powers = ADAMW.powers(powers);
            let factors = ADAMW.factors(0.05, powers);
            let rows = rows.as_deref();
            expected.step(
                &rows_of(&d.x, d.features, rows),
                &rows_of(&labels, 1, rows),
                &factors,
            );
            for ((name, engine), head) in engines.iter().zip(&mut heads) {
                let batch = Batch::new(&d.x, d.features, rows).expect("rows");
                head.step(engine, &batch, &labels, &factors).expect("sizes");
                let what = format!("{name}, round {round}, step {step}");
                for list in 0..3 {
                    let all: Vec<f32> = (expected.0.iter())
                        .flat_map(|p| [&p.values, &p.first, &p.second][list].clone())
                        .collect();
                    assert_same(&head.list(list), &all, &format!("list {list}, {what}"));
                }
                let (weight, offset) = head.folded(engine);
                assert_same(&weight, &expected.folded().0, &format!("folded, {what}"));
                assert_same(&offset, &expected.folded().1, &format!("offset, {what}"));
            }
        }
    }
}

#[test]
fn traits_heads() {
    let engines = engines();
    for round in 0..rounds(12) {
        let mut r = Random::new(6000 + round);
        let d = drawn(&mut r);
        let (units, count) = (r.within(1, 150), r.within(1, 20));
        let traits: Vec<f32> = (0..d.rows * count)
            .map(|_| f32::from(u8::from(r.chance(50))))
            .collect();
        let layers = [
            plain(&mut r, units * d.features),
            plain(&mut r, units),
            plain(&mut r, count * units),
            plain(&mut r, count),
        ];
        let activation = [Activation::Relu, Activation::Identity][r.within(0, 1)];
        let dropped = r.chance(50);
        let mut expected = Traits(layers.clone().map(Trained::new), activation);
        let mut heads: Vec<_> = engines
            .iter()
            .map(|(_, engine)| {
                let [a, b, c, e] = layers.clone();
                TraitsHead::new(engine, d.features, (a, b, c, e), activation).expect("sizes")
            })
            .collect();
        let mut powers = (1.0, 1.0);
        for (step, rows) in d.batches.iter().enumerate() {
            powers = ADAMW.powers(powers);
            let factors = ADAMW.factors(0.05, powers);
            let rows = rows.as_deref();
            let dropout = dropped.then(|| {
                let size = rows.map_or(d.rows, <[usize]>::len) * units;
                (0..size)
                    .map(|_| if r.chance(30) { 0.0 } else { 1.25 })
                    .collect::<Vec<f32>>()
            });
            expected.step(
                &rows_of(&d.x, d.features, rows),
                &rows_of(&traits, count, rows),
                dropout.as_deref(),
                &factors,
            );
            for ((name, engine), head) in engines.iter().zip(&mut heads) {
                let batch = Batch::new(&d.x, d.features, rows).expect("rows");
                head.step(engine, &batch, &traits, dropout.as_deref(), &factors)
                    .expect("sizes");
                for list in 0..3 {
                    let all: Vec<f32> = (expected.0.iter())
                        .flat_map(|p| [&p.values, &p.first, &p.second][list].clone())
                        .collect();
                    let what = format!("{name}, round {round}, step {step}, list {list}");
                    assert_same(&head.list(list), &all, &what);
                }
            }
        }
    }
}

#[test]
fn a_state_goes_from_one_head_to_another() {
    // The widths of panels depend on the number of threads; a state does not.
    let engines = engines();
    let mut r = Random::new(7000);
    let (classes, features) = (5, 300);
    let weight = plain(&mut r, classes * features);
    let (affine, bias) = (vec![1.0; features], vec![0.0; classes]);
    let zeros = vec![0.0; features];
    let state = plain(&mut r, classes * features + 2 * features + classes);
    for (name, engine) in &engines {
        let mut head =
            LinearHead::new(engine, &weight, affine.clone(), zeros.clone(), bias.clone())
                .expect("sizes");
        for list in 0..3 {
            head.set_list(list, &state).expect("sizes");
            assert_same(&head.list(list), &state, name);
            assert!(head.set_list(list, &state[1..]).is_err());
        }
    }
}

#[test]
fn what_does_not_fit_is_an_error() {
    let engine = &engines()[0].1;
    let x = [0.5; 12];
    assert!(Batch::new(&x, 5, None).is_err());
    assert!(Batch::new(&x, 0, None).is_err());
    assert!(Batch::new(&[], 4, None).is_err());
    assert!(Batch::new(&x, 4, Some(&[])).is_err());
    assert!(Batch::new(&x, 4, Some(&[3])).is_err());
    assert!(LinearHead::new(engine, &[0.0; 7], vec![1.0; 4], vec![0.0; 4], vec![0.0; 2]).is_err());
    assert!(LinearHead::new(engine, &[], vec![], vec![], vec![0.0; 2]).is_err());
    let mut head = LinearHead::new(engine, &[0.0; 8], vec![1.0; 4], vec![0.0; 4], vec![0.0; 2])
        .expect("sizes");
    let factors = ADAMW.factors(0.1, (0.9, 0.999));
    let batch = Batch::new(&x, 4, None).expect("rows");
    assert!(head.step(engine, &batch, &[0, 1], &factors).is_err());
    assert!(head.step(engine, &batch, &[0, 1, 2], &factors).is_err());
    let other = Batch::new(&x, 3, None).expect("rows");
    assert!(head.step(engine, &other, &[0, 1, 0, 1], &factors).is_err());
    let layers = (vec![0.0; 8], vec![0.0; 2], vec![0.0; 2], vec![0.0]);
    let mut head = TraitsHead::new(engine, 4, layers, Activation::Relu).expect("sizes");
    assert!(head
        .step(engine, &batch, &[0.0; 2], None, &factors)
        .is_err());
    assert!(head
        .step(engine, &batch, &[0.0; 3], Some(&[1.0; 5]), &factors)
        .is_err());
}

#[test]
fn a_step_of_no_size_moves_no_parameter() {
    // Which is why a runner may leave out the steps whose rate is 0 in float32.
    let engine = &engines()[0].1;
    let mut r = Random::new(8000);
    let (x, weight) = (plain(&mut r, 20 * 6), plain(&mut r, 3 * 6));
    let (gamma, beta) = (plain(&mut r, 6), plain(&mut r, 6));
    let mut head = LinearHead::new(engine, &weight, gamma, beta, vec![0.5; 3]).expect("sizes");
    let batch = Batch::new(&x, 6, None).expect("rows");
    let before = head.list(0);
    let factors = ADAMW.factors(1e-60, (0.9, 0.999));
    head.step(engine, &batch, &[1; 20], &factors)
        .expect("sizes");
    assert_same(&head.list(0), &before, "parameters");
}
