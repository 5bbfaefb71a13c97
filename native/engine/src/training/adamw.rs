//! AdamW, element by element.

use crate::isa::environment::Environment;
use crate::isa::{Kernel, Simd, LANES};

/// Constants of the optimiser.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub struct AdamW {
    pub beta1: f64,
    pub beta2: f64,
    pub epsilon: f64,
    pub weight_decay: f64,
}

impl AdamW {
    /// The powers of both betas after one step more: products from the left, as a library's power may differ.
    #[must_use]
    pub fn powers(&self, (first, second): (f64, f64)) -> (f64, f64) {
        let _environment = Environment::standard();
        (first * self.beta1, second * self.beta2)
    }

    /// The factors of a step from its rate and the powers of the betas that belong to it.
    #[must_use]
    pub fn factors(&self, rate: f64, (first, second): (f64, f64)) -> Factors {
        let _environment = Environment::standard();
        Factors {
            decay: (1.0 - rate * self.weight_decay) as f32,
            keep: (self.beta1 as f32, self.beta2 as f32),
            take: ((1.0 - self.beta1) as f32, (1.0 - self.beta2) as f32),
            scale: (1.0 / (1.0 - second).sqrt()) as f32,
            epsilon: self.epsilon as f32,
            step: (rate / (1.0 - first)) as f32,
        }
    }
}

/// The numbers of a step, computed in float64 and rounded once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Factors {
    /// 1 - rate times weight decay.
    pub decay: f32,
    /// Both betas.
    pub keep: (f32, f32),
    /// 1 minus them.
    pub take: (f32, f32),
    /// 1 / sqrt(1 - power of beta2).
    pub scale: f32,
    /// What is added to the root.
    pub epsilon: f32,
    /// rate / (1 - power of beta1).
    pub step: f32,
}

/// [`Factors`] in registers.
#[derive(Clone, Copy)]
pub(super) struct Lanes<G> {
    decay: G,
    keep: (G, G),
    take: (G, G),
    scale: G,
    epsilon: G,
    minus_step: G,
}

impl<G: Copy> Lanes<G> {
    #[inline(always)]
    pub fn new<S: Simd<Group = G>>(s: S, f: &Factors, decayed: bool) -> Self {
        Self {
            decay: s.splat(if decayed { f.decay } else { 1.0 }),
            keep: (s.splat(f.keep.0), s.splat(f.keep.1)),
            take: (s.splat(f.take.0), s.splat(f.take.1)),
            scale: s.splat(f.scale),
            epsilon: s.splat(f.epsilon),
            minus_step: s.splat(-f.step),
        }
    }

    /// Parameter and moments after the step.
    #[inline(always)]
    pub fn apply<S: Simd<Group = G>>(self, s: S, a: G, p: G, m: G, v: G) -> (G, G, G) {
        let p = s.mul(p, self.decay);
        let m = s.fma(self.take.0, a, s.mul(self.keep.0, m));
        let v = s.fma(self.take.1, s.mul(a, a), s.mul(self.keep.1, v));
        let root = s.fma(s.sqrt(v), self.scale, self.epsilon);
        (s.fma(self.minus_step, s.div(m, root), p), m, v)
    }
}

/// Parameters with their moments.
#[derive(Clone, Debug, Default)]
pub(super) struct Parameters {
    pub values: Vec<f32>,
    pub first: Vec<f32>,
    pub second: Vec<f32>,
}

impl Parameters {
    pub fn zeros(count: usize) -> Self {
        Self {
            values: vec![0.0; count],
            first: vec![0.0; count],
            second: vec![0.0; count],
        }
    }

    /// As many parameters as `values`, and moments of 0.
    pub fn new(values: Vec<f32>) -> Self {
        let count = values.len();
        Self {
            values,
            ..Self::zeros(count)
        }
    }

    /// The three lists: values, first and second moments.
    pub fn lists(&self) -> [&[f32]; 3] {
        [&self.values, &self.first, &self.second]
    }

    /// The three lists.
    pub fn lists_mut(&mut self) -> [&mut [f32]; 3] {
        [&mut self.values, &mut self.first, &mut self.second]
    }

    /// The step of a gradient.
    #[inline(always)]
    pub fn update<S: Simd>(&mut self, s: S, gradient: &[f32], f: &Factors, decayed: bool) {
        let lanes = Lanes::new(s, f, decayed);
        let parts = self
            .values
            .chunks_mut(LANES)
            .zip(self.first.chunks_mut(LANES))
            .zip(self.second.chunks_mut(LANES));
        for (a, ((p, m), v)) in gradient.chunks(LANES).zip(parts) {
            let new = lanes.apply(
                s,
                s.load_part(a, 0.0),
                s.load_part(p, 0.0),
                s.load_part(m, 0.0),
                s.load_part(v, 0.0),
            );
            s.store_part(new.0, p);
            s.store_part(new.1, m);
            s.store_part(new.2, v);
        }
    }
}

/// [`Parameters::update`] of a few parameters.
pub(super) struct Update<'a> {
    pub parameters: &'a mut Parameters,
    pub gradient: &'a [f32],
    pub factors: &'a Factors,
    pub decayed: bool,
}

impl Kernel for Update<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        self.parameters
            .update(s, self.gradient, self.factors, self.decayed);
    }
}
