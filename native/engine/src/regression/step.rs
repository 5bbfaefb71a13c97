//! The direction of a Newton step by conjugate gradients.

use super::evaluate::Evaluation;
use super::number::{packed, Grouped, Matrix, Real};
use super::problem::Regression;
use super::products::{backward, forward};
use crate::isa::{Kernel, Simd, LANES};
use crate::sums::tree;

/// Conjugate gradient steps in one Newton step; a step that stops here is still a descent.
const STEPS: usize = 1000;
/// What a curvature is at least: a class that every row is sure of has none.
const LEAST: f64 = 1e-300;

/// The sum of the products of two lists.
#[inline(always)]
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for i in 0..a.len().min(b.len()) {
        for l in 0..LANES {
            lanes[l] += a[i][l] * b[i][l];
        }
    }
    for l in 0..a_rest.len().min(b_rest.len()) {
        lanes[l] += a_rest[l] * b_rest[l];
    }
    tree(lanes, |a, b| a + b)
}

/// The largest absolute number of a list.
#[inline(always)]
fn largest(a: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    let (groups, rest) = a.as_chunks::<LANES>();
    for group in groups {
        for l in 0..LANES {
            let x = group[l].abs();
            lanes[l] = if lanes[l] > x { lanes[l] } else { x };
        }
    }
    for l in 0..rest.len() {
        let x = rest[l].abs();
        lanes[l] = if lanes[l] > x { lanes[l] } else { x };
    }
    tree(lanes, |a, b| if a > b { a } else { b })
}

/// The sum of the products of two lists.
pub(super) struct Dot<'a>(pub &'a [f64], pub &'a [f64]);

impl Kernel for Dot<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd>(self, _s: S) -> f64 {
        dot(self.0, self.1)
    }
}

impl Regression {
    /// Minus the inverse Hessian times the gradient at a point that was evaluated, with products in float32 or float64.
    pub(super) fn direction(
        &self,
        at: &Evaluation,
        penalty: f64,
        enough: f64,
        double: bool,
    ) -> Vec<f64> {
        if double {
            self.isa.run(Direction {
                problem: self,
                hessian: Hessian::new(&self.rows, at, &self.weights, self.classes),
                at,
                penalty,
                enough,
            })
        } else {
            self.isa.run(Direction {
                problem: self,
                hessian: Hessian::new(&self.single, at, &self.weights, self.classes),
                at,
                penalty,
                enough,
            })
        }
    }
}

/// The Hessian of the mean cross-entropy, in a precision.
struct Hessian<'a, E> {
    rows: &'a Matrix<E>,
    shares: Vec<E>,
    weights: Vec<E>,
    width: usize,
    classes: usize,
    block: Vec<E>,
    chains: Vec<E>,
}

impl<'a, E: Real> Hessian<'a, E> {
    fn new(rows: &'a Matrix<E>, at: &Evaluation, weights: &[f64], classes: usize) -> Self {
        Self {
            rows,
            shares: at.shares.iter().map(|x| E::rounded(*x)).collect(),
            weights: weights.iter().map(|x| E::rounded(*x)).collect(),
            width: at.width,
            classes,
            block: vec![E::default(); rows.block() * at.width],
            chains: vec![E::default(); classes * rows.stride],
        }
    }

    /// Sets `to` to the product with `direction`. Near the optimum directions are small, and their products would leave
    /// float32, so that they are taken relative to the largest number.
    #[inline(always)]
    fn apply<S: Simd>(&mut self, s: S, problem: &Regression, direction: &[f64], to: &mut [f64])
    where
        E: Grouped<S>,
    {
        let size = largest(direction);
        let depth = self.rows.depth;
        let inverse = 1.0 / size;
        let packed = packed(direction, depth, |x| E::rounded(x * inverse));
        let (width, block) = (self.width, self.rows.block());
        self.chains.fill(E::default());
        let all = self.weights.len();
        for first in (0..all).step_by(block) {
            if problem.stopped() {
                return;
            }
            let count = block.min(all - first);
            let shares = &self.shares[first * width..(first + count) * width];
            let part = self.rows.part(first, count);
            forward(s, part, self.rows, &packed, &mut self.block, width);
            for r in 0..count {
                let slopes = &mut self.block[r * width..(r + 1) * width];
                let shares = &shares[r * width..(r + 1) * width];
                slopes[self.classes..].fill(E::default());
                let mut lanes = [E::default(); LANES];
                for g in 0..width / LANES {
                    for l in 0..LANES {
                        let u = slopes[g * LANES + l] * shares[g * LANES + l];
                        slopes[g * LANES + l] = u;
                        lanes[l] = lanes[l] + u;
                    }
                }
                let (mean, weight) = (tree(lanes, |a, b| a + b), self.weights[first + r]);
                for c in 0..width {
                    slopes[c] = (slopes[c] - shares[c] * mean) * weight;
                }
            }
            backward(s, part, self.rows, (&self.block, width), &mut self.chains);
        }
        for c in 0..self.classes {
            let to = &mut to[c * depth..(c + 1) * depth];
            let chains = &self.chains[c * self.rows.stride..][..depth];
            for j in 0..depth {
                to[j] = size * chains[j].exact();
            }
        }
    }
}

struct Direction<'a, E> {
    problem: &'a Regression,
    hessian: Hessian<'a, E>,
    at: &'a Evaluation,
    penalty: f64,
    enough: f64,
}

macro_rules! direction {
    ($number:ty) => {
        impl Kernel for Direction<'_, $number> {
            type Output = Vec<f64>;

            #[inline(always)]
            fn run<S: Simd>(self, s: S) -> Vec<f64> {
                solve(s, self)
            }
        }
    };
}
direction!(f32);
direction!(f64);

#[inline(always)]
fn solve<S: Simd, E: Grouped<S>>(s: S, mut this: Direction<'_, E>) -> Vec<f64> {
    let problem = this.problem;
    let depth = problem.features + 1;
    let inverse: Vec<f64> = (0..problem.size())
        .map(|i| {
            let own = this.at.curvature[i / depth];
            let penalty = if i % depth < problem.features {
                this.penalty
            } else {
                0.0
            };
            let sum = own + penalty;
            1.0 / if sum > LEAST { sum } else { LEAST }
        })
        .collect();
    let mut step = vec![0.0; problem.size()];
    let mut residual: Vec<f64> = this.at.gradient.iter().map(|x| -x).collect();
    let mut direction: Vec<f64> = (residual.iter().zip(&inverse))
        .map(|(r, m)| r * m)
        .collect();
    let mut scaled = direction.clone();
    let mut curved = vec![0.0; problem.size()];
    // One length, so that no index needs a check.
    let size = problem.size();
    let (step, residual, direction) = (
        &mut step[..size],
        &mut residual[..size],
        &mut direction[..size],
    );
    let (scaled, curved, inverse) = (&mut scaled[..size], &mut curved[..size], &inverse[..size]);
    let mut product = dot(residual, direction);
    for _ in 0..STEPS {
        this.hessian.apply(s, problem, direction, curved);
        for c in 0..problem.classes {
            let curved = &mut curved[c * depth..][..problem.features];
            let direction = &direction[c * depth..][..problem.features];
            for j in 0..problem.features {
                curved[j] += this.penalty * direction[j];
            }
        }
        let bend = dot(direction, curved);
        if bend.is_nan() || bend <= 0.0 || problem.stopped() {
            break;
        }
        let length = product / bend;
        for i in 0..size {
            step[i] += length * direction[i];
            residual[i] -= length * curved[i];
        }
        let rest = dot(residual, residual).sqrt();
        if rest.is_nan() || rest <= this.enough {
            break;
        }
        for i in 0..size {
            scaled[i] = residual[i] * inverse[i];
        }
        let following = dot(residual, scaled);
        let share = following / product;
        for i in 0..size {
            direction[i] = scaled[i] + share * direction[i];
        }
        product = following;
    }
    step.to_vec()
}
