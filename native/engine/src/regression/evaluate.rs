//! The objective and its gradient at a point, and what the Hessian there needs.

use super::number::packed;
use super::problem::Regression;
use super::products::{backward, forward};
use crate::isa::{Kernel, Simd, LANES};
use crate::sums::tree;
use crate::tables::{log, LN2, LOG2_E, NEAREST};

/// Below it an exponential stays as it is there, which is nothing beside the largest, 1.
const LEAST: f64 = -700.0;

/// What is found at a point.
#[derive(Debug)]
pub(super) struct Evaluation {
    /// The softmax of each row, (n, width).
    pub shares: Vec<f64>,
    pub width: usize,
    /// The objective.
    pub height: f64,
    /// The gradient of the objective, (classes, features + 1).
    pub gradient: Vec<f64>,
    /// Of each class the weighted sum of P (1 - P).
    pub curvature: Vec<f64>,
}

impl Regression {
    /// Evaluates the objective with the penalty `penalty`, 1 / (C n). Without a meaning where it was stopped.
    pub(super) fn evaluate(&self, point: &[f64], penalty: f64, to: &mut Evaluation) {
        self.isa.run(Evaluate {
            problem: self,
            point,
            penalty,
            to,
        });
    }

    pub(super) fn evaluation(&self) -> Evaluation {
        let width = self.classes.next_multiple_of(LANES);
        Evaluation {
            shares: vec![0.0; self.ids.len() * width],
            width,
            height: 0.0,
            gradient: vec![0.0; self.size()],
            curvature: vec![0.0; width],
        }
    }
}

struct Evaluate<'a> {
    problem: &'a Regression,
    point: &'a [f64],
    penalty: f64,
    to: &'a mut Evaluation,
}

impl Kernel for Evaluate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self {
            problem,
            point,
            penalty,
            to,
        } = self;
        let (rows, width, classes) = (&problem.rows, to.width, problem.classes);
        let packed = packed(point, rows.depth, |x| x);
        let block = rows.block();
        let mut residual = vec![0.0; block * width];
        let mut chains = vec![0.0; classes * rows.stride];
        to.curvature.fill(0.0);
        let mut loss = 0.0;
        let all = problem.ids.len();
        for first in (0..all).step_by(block) {
            if problem.stopped() {
                return;
            }
            let count = block.min(all - first);
            let part = rows.part(first, count);
            let shares = &mut to.shares[first * width..(first + count) * width];
            forward(s, part, rows, &packed, shares, width);
            let curvature = &mut to.curvature[..width];
            for r in 0..count {
                let shares = &mut shares[r * width..(r + 1) * width];
                let (weight, own) = (problem.weights[first + r], problem.ids[first + r]);
                loss += weight * softmax(shares, classes, own);
                let residual = &mut residual[r * width..(r + 1) * width];
                for c in 0..width {
                    residual[c] = shares[c] * weight;
                    curvature[c] += (shares[c] * (1.0 - shares[c])) * weight;
                }
                residual[own] = (shares[own] - 1.0) * weight;
            }
            backward(s, part, rows, (&residual, width), &mut chains);
        }
        let mut squares = [0.0; LANES];
        for (k, x) in point.iter().enumerate() {
            if k % rows.depth < problem.features {
                squares[k % LANES] += x * x;
            }
        }
        to.height = loss + (0.5 * penalty) * tree(squares, |a, b| a + b);
        let gradient = to.gradient.chunks_exact_mut(rows.depth);
        let points = point.chunks_exact(rows.depth);
        for ((g, x), chain) in gradient.zip(points).zip(chains.chunks_exact(rows.stride)) {
            for ((g, x), chain) in g.iter_mut().zip(x).zip(chain) {
                *g = *chain + penalty * *x;
            }
            g[rows.depth - 1] = chain[rows.depth - 1];
        }
    }
}

/// The softmax of the first `classes` numbers, zeros after them; returns minus the logarithm of that of `own`.
#[inline(always)]
fn softmax(row: &mut [f64], classes: usize, own: usize) -> f64 {
    row[classes..].fill(f64::NEG_INFINITY);
    let mut lanes = [f64::NEG_INFINITY; LANES];
    for group in row.as_chunks::<LANES>().0 {
        for l in 0..LANES {
            lanes[l] = if lanes[l] > group[l] {
                lanes[l]
            } else {
                group[l]
            };
        }
    }
    let largest = tree(lanes, |a, b| if a > b { a } else { b });
    let own = row[own] - largest;
    for group in row.as_chunks_mut::<LANES>().0 {
        exponentials(group, largest);
    }
    row[classes..].fill(0.0);
    let mut lanes = [0.0; LANES];
    for group in row.as_chunks::<LANES>().0 {
        for l in 0..LANES {
            lanes[l] += group[l];
        }
    }
    let total = tree(lanes, |a, b| a + b);
    let inverse = 1.0 / total;
    for x in row {
        *x *= inverse;
    }
    log(total) - own
}

/// e^(x - largest), as [`crate::tables`] has it, of each number.
#[inline(always)]
fn exponentials(group: &mut [f64; LANES], largest: f64) {
    let mut rest = [0.0; LANES];
    let mut power = [0.0; LANES];
    for l in 0..LANES {
        let x = group[l] - largest;
        let x = if LEAST > x { LEAST } else { x };
        let t = x * LOG2_E + NEAREST;
        let n = t - NEAREST;
        rest[l] = (x - n * LN2[0]) - n * LN2[1];
        // The lowest bits of t hold n.
        let n = t.to_bits().wrapping_sub(NEAREST.to_bits());
        power[l] = f64::from_bits(n.wrapping_add(1023) << 52);
    }
    let mut y = [1.0; LANES];
    for k in (1..=13).rev() {
        for l in 0..LANES {
            y[l] = y[l] * rest[l] / f64::from(k) + 1.0;
        }
    }
    for l in 0..LANES {
        group[l] = y[l] * power[l];
    }
}
