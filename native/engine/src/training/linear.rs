//! The linear probe: normalised rows, an affine part, one linear layer, cross-entropy.

use super::adamw::{Factors, Lanes, Parameters, Update};
use super::batch::{Batch, Padded};
use super::columns::sums;
use super::layer::{Layer, Panel, Scaled, Scratch};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::functions::{exp, Function};
use crate::gemm::{products, Epilogue, Packed};
use crate::isa::environment::Environment;
use crate::isa::{Kernel, Simd, LANES};
use crate::sums::{maximum, sum};

/// The head with its moments and the scratch space of a step.
#[derive(Clone, Debug)]
pub struct LinearHead {
    layer: Layer,
    gamma: Parameters,
    beta: Parameters,
    bias: Parameters,
    packed: Packed,
    offset: Vec<f32>,
    logits: Vec<f32>,
    residual: Padded,
    total: Vec<f32>,
}

impl LinearHead {
    /// A head whose affine part is `gamma` and `beta`, and whose layer is `weight` (classes, features) and `bias`.
    ///
    /// # Errors
    ///
    /// [`EngineError::Training`] where the sizes do not fit.
    pub fn new(
        engine: &Engine,
        weight: &[f32],
        gamma: Vec<f32>,
        beta: Vec<f32>,
        bias: Vec<f32>,
    ) -> Result<Self, EngineError> {
        let (classes, features) = (bias.len(), gamma.len());
        if classes == 0
            || features == 0
            || beta.len() != features
            || classes.checked_mul(features) != Some(weight.len())
        {
            let message = format!(
                "{} weights of {classes} classes and {features} features",
                weight.len()
            );
            return Err(EngineError::Training(message));
        }
        Ok(Self {
            layer: Layer::new(engine, weight, classes, features),
            gamma: Parameters::new(gamma),
            beta: Parameters::new(beta),
            packed: Packed::zeros(features, classes),
            offset: vec![0.0; classes],
            logits: Vec::new(),
            residual: Padded::new(classes),
            total: vec![0.0; classes],
            bias: Parameters::new(bias),
        })
    }

    /// Numbers of features and classes.
    #[must_use]
    pub fn sizes(&self) -> (usize, usize) {
        (self.layer.inputs, self.layer.outputs)
    }

    /// Parameters (list 0), first (1) or second moments (2): weight row by row, gamma, beta, bias.
    #[must_use]
    pub fn list(&self, list: usize) -> Vec<f32> {
        let weights = self.layer.inputs * self.layer.outputs;
        let mut all = vec![0.0; weights];
        self.layer.get(list, &mut all);
        for part in [&self.gamma, &self.beta, &self.bias] {
            all.extend_from_slice(part.lists()[list]);
        }
        all
    }

    /// Sets what [`Self::list`] gives.
    ///
    /// # Errors
    ///
    /// [`EngineError::Training`] where there are more or fewer numbers.
    pub fn set_list(&mut self, list: usize, values: &[f32]) -> Result<(), EngineError> {
        let (features, classes) = self.sizes();
        let (weights, all) = (
            features * classes,
            features * classes + 2 * features + classes,
        );
        if values.len() != all {
            let message = format!("a state of {} numbers, not {all}", values.len());
            return Err(EngineError::Training(message));
        }
        self.layer.put(list, &values[..weights]);
        let mut from = weights;
        for part in [&mut self.gamma, &mut self.beta, &mut self.bias] {
            let to = &mut part.lists_mut()[list];
            to.copy_from_slice(&values[from..from + to.len()]);
            from += to.len();
        }
        Ok(())
    }

    /// The layer without the affine part: weight (classes, features) times gamma, and its bias.
    #[must_use]
    pub fn folded(&mut self, engine: &Engine) -> (Vec<f32>, Vec<f32>) {
        let _environment = Environment::standard();
        self.fold(engine);
        let mut weight = vec![0.0; self.layer.inputs * self.layer.outputs];
        self.layer.get(0, &mut weight);
        for row in weight.chunks_mut(self.layer.inputs) {
            for (w, gamma) in row.iter_mut().zip(&self.gamma.values) {
                *w *= gamma;
            }
        }
        (weight, self.offset.clone())
    }

    fn fold(&mut self, engine: &Engine) {
        let scaled = Scaled {
            scale: &self.gamma.values,
            shift: &self.beta.values,
            offset: &mut self.offset,
        };
        self.layer.pack(engine, Some(scaled), &mut self.packed);
        for (offset, bias) in self.offset.iter_mut().zip(&self.bias.values) {
            *offset += bias;
        }
    }

    /// One step on a batch; `labels` are those of all rows.
    ///
    /// # Errors
    ///
    /// [`EngineError::Training`] where the batch has other features, or a label is no class.
    pub fn step(
        &mut self,
        engine: &Engine,
        batch: &Batch,
        labels: &[usize],
        factors: &Factors,
    ) -> Result<(), EngineError> {
        let (features, classes) = self.sizes();
        let wrong = |row: usize| {
            labels
                .get(batch.number(row))
                .is_none_or(|id| *id >= classes)
        };
        if batch.width != features || (0..batch.count).any(wrong) {
            let message = format!("rows of {features} features with labels below {classes}");
            return Err(EngineError::Training(message));
        }
        let _environment = Environment::standard();
        self.fold(engine);
        self.logits.resize(batch.count * classes, 0.0);
        let epilogue = Epilogue {
            bias: Some(&self.offset),
            activation: Function::Identity,
            residual: None,
        };
        let packed = std::slice::from_ref(&self.packed);
        products(engine, batch, packed, &epilogue, &mut self.logits);
        self.residual.resize(batch.count);
        let (logits, stride) = (&self.logits, self.residual.stride);
        let rows = engine.share(self.residual.values.len(), stride) / stride;
        engine.chunks(
            &mut self.residual.values,
            rows * stride,
            |_: &mut (), i, out| {
                engine.isa().run(Residuals {
                    logits: &logits[i * rows * classes..],
                    classes,
                    label: |row| labels[batch.number(i * rows + row)],
                    scale: (1.0 / batch.count as f64) as f32,
                    stride,
                    out,
                });
            },
        );
        sums(engine, &self.residual, &mut self.total);
        self.update(engine, batch, factors);
        Ok(())
    }

    fn update(&mut self, engine: &Engine, batch: &Batch, factors: &Factors) {
        let (residual, total) = (&self.residual, &self.total);
        let (gamma, beta) = (&self.gamma.values, &self.beta.values);
        // Of gamma and beta, the gradients of each panel.
        let mut found = vec![Vec::new(); self.layer.panels.len()];
        let mut tasks: Vec<_> = self.layer.panels.iter_mut().zip(&mut found).collect();
        engine.chunks(&mut tasks, 1, |scratch: &mut Scratch, _, task| {
            let (panel, found) = &mut task[0];
            panel.chains(engine.isa(), residual, batch, scratch);
            let at = panel.first..panel.first + panel.count;
            found.resize(2 * panel.width, 0.0);
            engine.isa().run(Finish {
                gamma: &gamma[at.clone()],
                beta: &beta[at],
                panel,
                total,
                factors,
                found,
            });
        });
        let mut gradients = (Vec::new(), Vec::new());
        for (panel, found) in self.layer.panels.iter().zip(&found) {
            gradients.0.extend_from_slice(&found[..panel.count]);
            gradients
                .1
                .extend_from_slice(&found[panel.width..panel.width + panel.count]);
        }
        let parts = [
            (&mut self.gamma, &gradients.0),
            (&mut self.beta, &gradients.1),
            (&mut self.bias, &self.total),
        ];
        for (parameters, gradient) in parts {
            engine.isa().run(Update {
                parameters,
                gradient,
                factors,
                decayed: false,
            });
        }
    }
}

/// (softmax(logits) - 1 at the label) times scale.
struct Residuals<'a, F> {
    logits: &'a [f32],
    classes: usize,
    label: F,
    scale: f32,
    stride: usize,
    out: &'a mut [f32],
}

impl<F: Fn(usize) -> usize> Kernel for Residuals<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let rows = self.logits.chunks_exact(self.classes);
        for (row, (x, out)) in rows.zip(self.out.chunks_exact_mut(self.stride)).enumerate() {
            let out = &mut out[..self.classes];
            let m = s.splat(maximum(s, x));
            for (x, out) in x.chunks(LANES).zip(out.chunks_mut(LANES)) {
                s.store_part(exp(s, s.sub(s.load_part(x, 0.0), m)), out);
            }
            let inverse = 1.0 / sum(s, out);
            let label = (self.label)(row);
            let at_label = (out[label] * inverse - 1.0) * self.scale;
            let (inverse, scale) = (s.splat(inverse), s.splat(self.scale));
            for part in out.chunks_mut(LANES) {
                let y = s.mul(s.load_part(part, 0.0), inverse);
                s.store_part(s.mul(y, scale), part);
            }
            out[label] = at_label;
        }
    }
}

/// The gradients of a panel from its chains, and the step of its weights.
struct Finish<'a> {
    panel: &'a mut Panel,
    gamma: &'a [f32],
    beta: &'a [f32],
    total: &'a [f32],
    factors: &'a Factors,
    found: &'a mut [f32],
}

impl Kernel for Finish<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Panel {
            weight,
            gradient,
            width,
            ..
        } = self.panel;
        let (width, lanes) = (*width, Lanes::new(s, self.factors, true));
        let (of_gamma, of_beta) = self.found.split_at_mut(width);
        for (g, (gamma, beta)) in self
            .gamma
            .chunks(LANES)
            .zip(self.beta.chunks(LANES))
            .enumerate()
        {
            let (gamma, beta) = (s.load_part(gamma, 0.0), s.load_part(beta, 0.0));
            let (mut gammas, mut betas) = (s.splat(0.0), s.splat(0.0));
            for (row, total) in self.total.iter().enumerate() {
                let at = row * width + g * LANES;
                let total = s.splat(*total);
                let group = |x: &[f32]| *x[at..].first_chunk::<LANES>().expect("a whole group");
                let a = s.load(&group(gradient));
                let w = s.load(&group(&weight.values));
                gammas = s.fma(w, a, gammas);
                betas = s.fma(w, total, betas);
                let a = s.fma(total, beta, s.mul(a, gamma));
                let (m, v) = (
                    s.load(&group(&weight.first)),
                    s.load(&group(&weight.second)),
                );
                let (w, m, v) = lanes.apply(s, a, w, m, v);
                for (x, to) in [w, m, v].into_iter().zip(weight.lists_mut()) {
                    s.store(x, to[at..].first_chunk_mut().expect("a whole group"));
                }
            }
            let at = g * LANES;
            s.store(
                gammas,
                of_gamma[at..].first_chunk_mut().expect("a whole group"),
            );
            s.store(
                betas,
                of_beta[at..].first_chunk_mut().expect("a whole group"),
            );
        }
    }
}
