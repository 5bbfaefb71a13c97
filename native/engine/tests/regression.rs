//! Fits of softmax regression have the bits of the definition, on every instruction set of this processor, and are optima of
//! the text's objective. `ENGINE_ROUNDS` sets how many random cases each test draws.

mod common;

use biobench_engine::definition::regression as definition;
use biobench_engine::definition::regression::Precision;
use biobench_engine::isa::Isa;
use biobench_engine::regression::{decisions, Regression};
use common::{rounds, Random};

struct Drawn {
    rows: Vec<Vec<f64>>,
    ids: Vec<usize>,
    weights: Vec<f64>,
}

fn number(r: &mut Random) -> f64 {
    // More bits than a float32 has.
    f64::from(r.plain()) + f64::from(r.plain()) * 1e-9
}

impl Drawn {
    /// Classes of unequal sizes that overlap.
    fn new(r: &mut Random, rows: usize, features: usize, classes: usize) -> Self {
        let centres: Vec<f64> = (0..classes * features).map(|_| number(r)).collect();
        let mut ids: Vec<usize> = (0..classes).collect();
        while ids.len() < rows.max(classes) {
            let class = r.within(0, classes - 1);
            ids.push(class * class % classes);
        }
        let rows = ids.iter().map(|class| {
            let centre = &centres[class * features..(class + 1) * features];
            centre.iter().map(|x| 0.7 * x + 2.0 * number(r)).collect()
        });
        let rows = rows.collect();
        let mut sizes = vec![0.0; classes];
        ids.iter().for_each(|class| sizes[*class] += 1.0);
        let weights = sizes
            .iter()
            .map(|n| ids.len() as f64 / (classes as f64 * n))
            .collect();
        Self { rows, ids, weights }
    }

    fn fast(&self, isa: Isa) -> Regression {
        let features = self.rows[0].len();
        let rows: Vec<f64> = self.rows.concat();
        Regression::new(isa, &rows, features, self.ids.clone(), &self.weights).expect("sizes")
    }

    fn plain(&self) -> definition::Regression {
        definition::Regression::new(&self.rows, &self.ids, &self.weights)
    }

    fn size(&self) -> usize {
        self.weights.len() * (self.rows[0].len() + 1)
    }
}

#[track_caller]
fn assert_same(found: &[f64], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}: length");
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        let same = a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
        assert!(same, "{what}: element {i} is {a:e}, not {b:e}");
    }
}

#[test]
fn fits() {
    for round in 0..rounds(10) {
        let mut r = Random::new(9000 + round);
        // The last one is out of reach, so that all rounds are made and products become float64.
        let tolerance = [1e-9, 1e-9, 1e-5, 1e-30][r.within(0, 3)];
        let small = tolerance == 1e-30;
        let rows = [r.within(1, 30), r.within(90, 120)][r.within(0, 1)];
        let features = [r.within(1, 9), r.within(14, 18), r.within(30, 40)][r.within(0, 2)];
        let classes = [r.within(2, 7), r.within(8, 17), r.within(16, 20)][r.within(0, 2)];
        let (rows, features, classes) = if small {
            (rows.min(30), features.min(5), classes.min(4))
        } else {
            (rows, features, classes)
        };
        let drawn = Drawn::new(&mut r, rows, features, classes);
        let strength = [1e-3, 0.3, 10.0, 1e4][r.within(0, 3)];
        let start: Option<Vec<f64>> =
            (r.chance(50)).then(|| (0..drawn.size()).map(|_| 0.1 * number(&mut r)).collect());
        let zeros = vec![0.0; drawn.size()];
        let from = start.as_deref().unwrap_or(&zeros);
        let expected = drawn.plain().fit(strength, tolerance, from);
        let gradient = drawn.plain().evaluate(&expected, strength).gradient;
        let largest = gradient.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
        assert_eq!(largest <= tolerance, tolerance > 1e-30, "{largest:e}");
        for isa in Isa::available() {
            let what = format!("{}, round {round}", isa.name());
            let problem = drawn.fast(isa);
            let fit = problem
                .fit(strength, tolerance, start.as_deref())
                .expect("sizes");
            let fit = fit.expect("nobody stops it");
            assert_same(&fit.point, &expected, &what);
            assert_same(&[fit.gradient], &[largest], &what);
            let found = problem.gradient(&expected, strength).expect("sizes");
            assert_same(&found, &gradient, &what);
        }
    }
}

#[test]
fn decision_values() {
    for round in 0..rounds(40) {
        let mut r = Random::new(9500 + round);
        let (rows, features) = (r.within(1, 300), r.within(1, 70));
        let classes = r.within(2, 40);
        let mut numbers = |n: usize| (0..n).map(|_| number(&mut r)).collect::<Vec<f64>>();
        let (x, weight, bias) = (
            numbers(rows * features),
            numbers(classes * features),
            numbers(classes),
        );
        let rows: Vec<Vec<f64>> = x.chunks(features).map(<[f64]>::to_vec).collect();
        let expected = definition::decisions(&rows, &weight, &bias);
        for isa in Isa::available() {
            let found = decisions(isa, &x, &weight, &bias).expect("sizes");
            assert_same(&found, &expected, &format!("{}, round {round}", isa.name()));
        }
    }
}

/// J of section 10.3, step 3, by the functions of the C library.
fn objective(drawn: &Drawn, point: &[f64], strength: f64) -> f64 {
    let (n, depth) = (drawn.ids.len() as f64, drawn.rows[0].len() + 1);
    let mut total = 0.0;
    for (row, id) in drawn.rows.iter().zip(&drawn.ids) {
        let logit = |x: &[f64]| row.iter().zip(x).map(|(a, b)| a * b).sum::<f64>() + x[depth - 1];
        let logits: Vec<f64> = point.chunks(depth).map(logit).collect();
        let powers: f64 = logits.iter().map(|l| l.exp()).sum();
        total += drawn.weights[*id] * (powers.ln() - logits[*id]) / n;
    }
    let squares = |x: &[f64]| x[..depth - 1].iter().map(|w| w * w).sum::<f64>();
    total + point.chunks(depth).map(squares).sum::<f64>() / (2.0 * strength * n)
}

#[test]
fn the_gradient_and_the_hessian_are_those_of_the_objective() {
    // Central differences at a point that is no optimum.
    let mut r = Random::new(9700);
    let drawn = Drawn::new(&mut r, 30, 4, 3);
    let (plain, strength, step) = (drawn.plain(), 0.3, 1e-5);
    let mut numbers = || {
        (0..drawn.size())
            .map(|_| number(&mut r))
            .collect::<Vec<f64>>()
    };
    let (point, direction) = (numbers(), numbers());
    let at = plain.evaluate(&point, strength);
    let moved = |scale: f64, towards: &[f64]| -> Vec<f64> {
        point
            .iter()
            .zip(towards)
            .map(|(x, q)| x + scale * q)
            .collect()
    };
    let height = objective(&drawn, &point, strength);
    assert!((at.height - height).abs() < 1e-14, "{height} {}", at.height);
    for k in 0..drawn.size() {
        let mut unit = vec![0.0; drawn.size()];
        unit[k] = 1.0;
        let ends = [1e-5, -1e-5].map(|scale| objective(&drawn, &moved(scale, &unit), strength));
        let expected = (ends[0] - ends[1]) / 2e-5;
        assert!((at.gradient[k] - expected).abs() < 1e-8, "component {k}");
    }
    let [above, below] =
        [step, -step].map(|scale| plain.evaluate(&moved(scale, &direction), strength).gradient);
    for (precision, size, within) in [
        (Precision::Double, 1.0, 1e-8),
        (Precision::Single, 1.0, 1e-6),
        (Precision::Single, 1e-60, 1e-6),
    ] {
        let scaled: Vec<f64> = direction.iter().map(|x| x * size).collect();
        let found = plain.curve(&at, strength, &scaled, precision);
        for k in 0..drawn.size() {
            let expected = (above[k] - below[k]) / (2.0 * step);
            assert!(
                (found[k] / size - expected).abs() < within,
                "component {k}, {precision:?}"
            );
        }
    }
}

#[test]
fn exponentials_are_within_a_unit_in_the_last_place() {
    let mut r = Random::new(9800);
    for i in 0..200_000 {
        let x = -[1.0, 30.0, 699.0][i % 3] * number(&mut r).abs().min(1.0);
        let (found, exact) = (definition::exp(x), x.exp());
        assert!(
            (found - exact).abs() <= 2.5e-16 * exact,
            "e^{x:e} is {found:e}"
        );
    }
}

#[test]
fn a_stopped_fit_is_none() {
    let drawn = Drawn::new(&mut Random::new(9900), 50, 5, 3);
    let problem = drawn.fast(Isa::available()[0]);
    problem.stop();
    assert!(problem.fit(1.0, 1e-9, None).expect("sizes").is_none());
}

#[test]
fn what_does_not_fit_is_an_error() {
    let isa = Isa::available()[0];
    let new = |rows: &[f64], features, ids: &[usize], weights: &[f64]| {
        Regression::new(isa, rows, features, ids.to_vec(), weights)
    };
    assert!(new(&[0.5; 6], 3, &[0, 1], &[1.0; 2]).is_ok());
    assert!(new(&[0.5; 7], 3, &[0, 1], &[1.0; 2]).is_err());
    assert!(new(&[], 3, &[], &[1.0; 2]).is_err());
    assert!(new(&[0.5; 6], 3, &[0, 2], &[1.0; 2]).is_err());
    assert!(new(&[0.5; 6], 3, &[0, 0], &[1.0]).is_err());
    let problem = new(&[0.5; 6], 3, &[0, 1], &[1.0; 2]).expect("sizes");
    assert!(problem.fit(1.0, 1e-9, Some(&[0.0; 7])).is_err());
    assert!(problem.gradient(&[0.0; 9], 1.0).is_err());
    assert!(decisions(isa, &[0.5; 6], &[0.5; 6], &[0.0; 2]).is_ok());
    assert!(decisions(isa, &[0.5; 5], &[0.5; 6], &[0.0; 2]).is_err());
    assert!(decisions(isa, &[0.5; 6], &[0.5; 7], &[0.0; 2]).is_err());
    assert!(decisions(isa, &[0.5; 6], &[], &[]).is_err());
}
