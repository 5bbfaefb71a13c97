//! One step of the trained heads, one number at a time. Matrices are row by row.

use super::functions::{exp, sigmoid};
use super::{larger, maximum, sum};
use crate::training::{Activation, Factors};

/// Parameters with their moments.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The parameters.
    pub values: Vec<f32>,
    /// The first moments.
    pub first: Vec<f32>,
    /// The second moments.
    pub second: Vec<f32>,
}

impl Trained {
    /// Parameters whose moments are 0.
    #[must_use]
    pub fn new(values: Vec<f32>) -> Self {
        let zeros = vec![0.0; values.len()];
        Self {
            values,
            first: zeros.clone(),
            second: zeros,
        }
    }

    fn update(&mut self, gradient: &[f32], f: &Factors, decayed: bool) {
        for (i, a) in gradient.iter().enumerate() {
            let mut p = self.values[i];
            if decayed {
                p *= f.decay;
            }
            let m = f.take.0.mul_add(*a, f.keep.0 * self.first[i]);
            let v = f.take.1.mul_add(a * a, f.keep.1 * self.second[i]);
            let root = v.sqrt().mul_add(f.scale, f.epsilon);
            self.values[i] = (-f.step).mul_add(m / root, p);
            (self.first[i], self.second[i]) = (m, v);
        }
    }
}

/// The chain of pairs.
fn chain(pairs: impl Iterator<Item = (f32, f32)>) -> f32 {
    let mut c = 0.0f32;
    for (a, b) in pairs {
        c = a.mul_add(b, c);
    }
    c
}

/// x (n, k) with w (m, k): the chains of each row of x with each of w, plus the bias.
fn linear(x: &[f32], w: &[f32], bias: &[f32], k: usize) -> Vec<f32> {
    let mut out = Vec::new();
    for row in x.chunks(k) {
        for (weight, bias) in w.chunks(k).zip(bias) {
            out.push(chain(row.iter().copied().zip(weight.iter().copied())) + bias);
        }
    }
    out
}

/// g (n, m) and x (n, k): (m, k), the chains over n.
fn columns(g: &[f32], x: &[f32], m: usize, k: usize) -> Vec<f32> {
    let n = g.len() / m;
    let mut out = Vec::new();
    for i in 0..m {
        for j in 0..k {
            out.push(chain((0..n).map(|r| (g[r * m + i], x[r * k + j]))));
        }
    }
    out
}

/// The sums of the columns of g (n, m), from +0.
fn totals(g: &[f32], m: usize) -> Vec<f32> {
    let mut out = vec![0.0f32; m];
    for row in g.chunks(m) {
        for (total, x) in out.iter_mut().zip(row) {
            *total += x;
        }
    }
    out
}

/// The linear probe: weight (C, d), gamma, beta, bias.
#[derive(Clone, Debug)]
pub struct Linear(pub [Trained; 4]);

impl Linear {
    /// The weight times gamma, and the bias with it.
    #[must_use]
    pub fn folded(&self) -> (Vec<f32>, Vec<f32>) {
        let [weight, gamma, beta, bias] = &self.0;
        let d = gamma.values.len();
        let folded = weight.values.iter().enumerate();
        let folded = folded.map(|(i, w)| w * gamma.values[i % d]).collect();
        (
            folded,
            linear(&beta.values, &weight.values, &bias.values, d),
        )
    }

    /// One step on the rows x with their labels.
    pub fn step(&mut self, x: &[f32], labels: &[usize], f: &Factors) {
        let (weight, offset) = self.folded();
        let (d, classes) = (self.0[1].values.len(), offset.len());
        let scale = (1.0 / labels.len() as f64) as f32;
        let mut residual = linear(x, &weight, &offset, d);
        for (row, label) in residual.chunks_mut(classes).zip(labels) {
            let m = maximum(row);
            row.iter_mut().for_each(|x| *x = exp(*x - m));
            let inverse = 1.0 / sum(row);
            for (i, x) in row.iter_mut().enumerate() {
                let p = *x * inverse;
                *x = if i == *label { p - 1.0 } else { p } * scale;
            }
        }
        let product = columns(&residual, x, classes, d);
        let total = totals(&residual, classes);
        let [weight, gamma, beta, bias] = &mut self.0;
        let of_gamma: Vec<f32> = (0..d)
            .map(|j| chain((0..classes).map(|i| (weight.values[i * d + j], product[i * d + j]))))
            .collect();
        let of_beta: Vec<f32> = (0..d)
            .map(|j| chain((0..classes).map(|i| (weight.values[i * d + j], total[i]))))
            .collect();
        let of_weight: Vec<f32> = (0..classes * d)
            .map(|i| total[i / d].mul_add(beta.values[i % d], product[i] * gamma.values[i % d]))
            .collect();
        weight.update(&of_weight, f, true);
        gamma.update(&of_gamma, f, false);
        beta.update(&of_beta, f, false);
        bias.update(&total, f, false);
    }
}

/// The traits network: weight (H, d) and bias of the first layer, weight (T, H) and bias of the second.
#[derive(Clone, Debug)]
pub struct Traits(pub [Trained; 4], pub Activation);

impl Traits {
    /// One step on the rows x with their traits and the factors of dropout.
    pub fn step(&mut self, x: &[f32], traits: &[f32], dropout: Option<&[f32]>, f: &Factors) {
        let Self([weight, bias, second, second_bias], activation) = self;
        let (width, count) = (bias.values.len(), second_bias.values.len());
        let d = weight.values.len() / width;
        let relu = *activation == Activation::Relu;
        let units = linear(x, &weight.values, &bias.values, d);
        let factor = |i: usize, x: f32| dropout.map_or(x, |d| x * d[i]);
        let active: Vec<f32> = (units.iter().enumerate())
            .map(|(i, a)| factor(i, if relu { larger(0.0, *a) } else { *a }))
            .collect();
        let scale = (1.0 / traits.len() as f64) as f32;
        let logits = linear(&active, &second.values, &second_bias.values, width);
        let residual: Vec<f32> = (logits.iter().zip(traits))
            .map(|(l, y)| (sigmoid(*l) - y) * scale)
            .collect();
        let mut slopes = Vec::new();
        for (r, row) in residual.chunks(count).enumerate() {
            for i in 0..width {
                let pairs = (0..count).map(|t| (row[t], second.values[t * width + i]));
                let at = r * width + i;
                let slope = factor(at, chain(pairs));
                let kept = !relu || units[at] > 0.0;
                slopes.push(if kept { slope } else { 0.0 });
            }
        }
        second.update(&columns(&residual, &active, count, width), f, true);
        second_bias.update(&totals(&residual, count), f, false);
        weight.update(&columns(&slopes, x, width, d), f, true);
        bias.update(&totals(&slopes, width), f, false);
    }
}
