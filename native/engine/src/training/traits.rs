//! The traits network: two linear layers, a logit for each trait, binary cross-entropy.

use super::adamw::{Factors, Parameters, Update};
use super::batch::{Batch, Padded};
use super::columns::sums;
use super::layer::{Layer, Scratch};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::functions::{sigmoid, Function};
use crate::gemm::{products, Epilogue, Packed};
use crate::isa::environment::Environment;
use crate::isa::{Kernel, Simd, LANES};

/// The function of the hidden units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// The larger of 0 and the unit.
    Relu,
    /// None.
    Identity,
}

#[derive(Clone, Debug)]
struct Dense {
    layer: Layer,
    bias: Parameters,
    packed: Packed,
    residual: Padded,
    total: Vec<f32>,
}

impl Dense {
    fn new(
        engine: &Engine,
        weight: &[f32],
        bias: Vec<f32>,
        inputs: usize,
    ) -> Result<Self, EngineError> {
        let outputs = bias.len();
        if outputs == 0 || inputs == 0 || outputs.checked_mul(inputs) != Some(weight.len()) {
            let message = format!(
                "{} weights of {outputs} outputs and {inputs} inputs",
                weight.len()
            );
            return Err(EngineError::Training(message));
        }
        Ok(Self {
            layer: Layer::new(engine, weight, outputs, inputs),
            bias: Parameters::new(bias),
            packed: Packed::zeros(inputs, outputs),
            residual: Padded::new(outputs),
            total: vec![0.0; outputs],
        })
    }

    /// x times the transposed weight, plus the bias.
    fn forward(&mut self, engine: &Engine, batch: &Batch, out: &mut Vec<f32>) {
        self.layer.pack(engine, None, &mut self.packed);
        out.resize(batch.count * self.layer.outputs, 0.0);
        let epilogue = Epilogue {
            bias: Some(&self.bias.values),
            activation: Function::Identity,
            residual: None,
        };
        products(
            engine,
            batch,
            std::slice::from_ref(&self.packed),
            &epilogue,
            out,
        );
    }

    /// The gradients by the residual, and the step.
    fn update(&mut self, engine: &Engine, batch: &Batch, factors: &Factors) {
        let residual = &self.residual;
        sums(engine, residual, &mut self.total);
        engine.chunks(
            &mut self.layer.panels,
            1,
            |scratch: &mut Scratch, _, panels| {
                let panel = &mut panels[0];
                panel.chains(engine.isa(), residual, batch, scratch);
                let (parameters, gradient) = (&mut panel.weight, &panel.gradient[..]);
                engine.isa().run(Update {
                    parameters,
                    gradient,
                    factors,
                    decayed: true,
                });
            },
        );
        let (parameters, gradient) = (&mut self.bias, &self.total[..]);
        engine.isa().run(Update {
            parameters,
            gradient,
            factors,
            decayed: false,
        });
    }

    fn parts(&self) -> usize {
        self.layer.inputs * self.layer.outputs
    }
}

/// The head with its moments and the scratch space of a step.
#[derive(Clone, Debug)]
pub struct TraitsHead {
    hidden: Dense,
    output: Dense,
    activation: Activation,
    /// The weight of the output layer with the traits as its depth.
    back: Packed,
    units: Vec<f32>,
    active: Vec<f32>,
    logits: Vec<f32>,
    slopes: Vec<f32>,
}

/// Weight and bias of the first layer, then of the second.
pub type Layers = (Vec<f32>, Vec<f32>, Vec<f32>, Vec<f32>);

impl TraitsHead {
    /// A head of two layers on rows of `features`.
    ///
    /// # Errors
    ///
    /// [`EngineError::Training`] where the sizes do not fit.
    pub fn new(
        engine: &Engine,
        features: usize,
        (hidden_weight, hidden_bias, output_weight, output_bias): Layers,
        activation: Activation,
    ) -> Result<Self, EngineError> {
        let units = hidden_bias.len();
        let hidden = Dense::new(engine, &hidden_weight, hidden_bias, features)?;
        let output = Dense::new(engine, &output_weight, output_bias, units)?;
        Ok(Self {
            back: Packed::zeros(output.layer.outputs, units),
            hidden,
            output,
            activation,
            units: Vec::new(),
            active: Vec::new(),
            logits: Vec::new(),
            slopes: Vec::new(),
        })
    }

    /// Numbers of features, hidden units and traits.
    #[must_use]
    pub fn sizes(&self) -> (usize, usize, usize) {
        let (hidden, output) = (&self.hidden.layer, &self.output.layer);
        (hidden.inputs, hidden.outputs, output.outputs)
    }

    /// Parameters (list 0), first (1) or second moments (2): weight row by row and bias of the first layer, then of the
    /// second.
    #[must_use]
    pub fn list(&self, list: usize) -> Vec<f32> {
        let mut all = Vec::new();
        for dense in [&self.hidden, &self.output] {
            let start = all.len();
            all.resize(start + dense.parts(), 0.0);
            dense.layer.get(list, &mut all[start..]);
            all.extend_from_slice(dense.bias.lists()[list]);
        }
        all
    }

    /// Sets what [`Self::list`] gives.
    ///
    /// # Errors
    ///
    /// [`EngineError::Training`] where there are more or fewer numbers.
    pub fn set_list(&mut self, list: usize, values: &[f32]) -> Result<(), EngineError> {
        let count = |dense: &Dense| dense.parts() + dense.layer.outputs;
        let all = count(&self.hidden) + count(&self.output);
        if values.len() != all {
            let message = format!("a state of {} numbers, not {all}", values.len());
            return Err(EngineError::Training(message));
        }
        let mut rest = values;
        for dense in [&mut self.hidden, &mut self.output] {
            let (weight, others) = rest.split_at(dense.parts());
            let (bias, others) = others.split_at(dense.layer.outputs);
            dense.layer.put(list, weight);
            dense.bias.lists_mut()[list].copy_from_slice(bias);
            rest = others;
        }
        Ok(())
    }

    /// One step on a batch; `traits` are those of all rows, 0 or 1, and `dropout` the factors of the batch's hidden units.
    ///
    /// # Errors
    ///
    /// [`EngineError::Training`] where the batch has other features, or other sizes do not fit.
    pub fn step(
        &mut self,
        engine: &Engine,
        batch: &Batch,
        traits: &[f32],
        dropout: Option<&[f32]>,
        factors: &Factors,
    ) -> Result<(), EngineError> {
        let (features, width, count) = self.sizes();
        if batch.width != features
            || traits.len() != batch.x.len() / features * count
            || dropout.is_some_and(|d| d.len() != batch.count * width)
        {
            let message =
                format!("rows of {features} features with {count} traits and {width} units");
            return Err(EngineError::Training(message));
        }
        let _environment = Environment::standard();
        self.hidden.forward(engine, batch, &mut self.units);
        self.active.resize(self.units.len(), 0.0);
        let (units, activation) = (&self.units, self.activation);
        let size = engine.share(units.len(), width);
        engine.chunks(&mut self.active, size, |_: &mut (), i, out| {
            let at = i * size..i * size + out.len();
            let dropout = dropout.map(|d| &d[at.clone()]);
            engine.isa().run(Activate {
                units: &units[at],
                dropout,
                activation,
                out,
            });
        });
        let taken = std::mem::take(&mut self.active);
        let active = Batch::new(&taken, width, None)?;
        self.output.forward(engine, &active, &mut self.logits);
        self.residual(engine, batch, traits);
        self.slopes(engine, batch, dropout);
        self.output.update(engine, &active, factors);
        self.hidden.update(engine, batch, factors);
        self.active = taken;
        Ok(())
    }

    /// The gradient of the loss at the logits.
    fn residual(&mut self, engine: &Engine, batch: &Batch, traits: &[f32]) {
        let (logits, count) = (&self.logits, self.output.layer.outputs);
        let residual = &mut self.output.residual;
        residual.resize(batch.count);
        let stride = residual.stride;
        let rows = engine.share(residual.values.len(), stride) / stride;
        let scale = (1.0 / (batch.count as f64 * count as f64)) as f32;
        engine.chunks(&mut residual.values, rows * stride, |_: &mut (), i, out| {
            for (row, out) in out.chunks_mut(stride).enumerate() {
                let row = i * rows + row;
                engine.isa().run(Residual {
                    logits: &logits[row * count..(row + 1) * count],
                    traits: &traits[batch.number(row) * count..][..count],
                    scale,
                    out,
                });
            }
        });
    }

    /// The gradient of the loss at the units.
    fn slopes(&mut self, engine: &Engine, batch: &Batch, dropout: Option<&[f32]>) {
        let width = self.hidden.layer.outputs;
        self.output.layer.pack_plain(&mut self.back);
        self.slopes.resize(batch.count * width, 0.0);
        let back = std::slice::from_ref(&self.back);
        products(
            engine,
            &self.output.residual,
            back,
            &Epilogue::NONE,
            &mut self.slopes,
        );
        let (slopes, units, activation) = (&self.slopes, &self.units, self.activation);
        let residual = &mut self.hidden.residual;
        residual.resize(batch.count);
        let stride = residual.stride;
        let rows = engine.share(residual.values.len(), stride) / stride;
        engine.chunks(&mut residual.values, rows * stride, |_: &mut (), i, out| {
            for (row, out) in out.chunks_mut(stride).enumerate() {
                let at = (i * rows + row) * width..(i * rows + row + 1) * width;
                engine.isa().run(Slope {
                    slopes: &slopes[at.clone()],
                    units: &units[at.clone()],
                    dropout: dropout.map(|d| &d[at]),
                    activation,
                    out,
                });
            }
        });
    }
}

/// The activation of units, times dropout.
struct Activate<'a> {
    units: &'a [f32],
    dropout: Option<&'a [f32]>,
    activation: Activation,
    out: &'a mut [f32],
}

impl Kernel for Activate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for (i, (x, out)) in self
            .units
            .chunks(LANES)
            .zip(self.out.chunks_mut(LANES))
            .enumerate()
        {
            let mut y = s.load_part(x, 0.0);
            if self.activation == Activation::Relu {
                y = s.max(s.splat(0.0), y);
            }
            if let Some(dropout) = self.dropout {
                y = s.mul(y, s.load_part(&dropout[i * LANES..][..x.len()], 0.0));
            }
            s.store_part(y, out);
        }
    }
}

/// (sigmoid(logits) - traits) times scale.
struct Residual<'a> {
    logits: &'a [f32],
    traits: &'a [f32],
    scale: f32,
    out: &'a mut [f32],
}

impl Kernel for Residual<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let parts = self.logits.chunks(LANES).zip(self.traits.chunks(LANES));
        for ((x, y), out) in parts.zip(self.out.chunks_mut(LANES)) {
            let x = sigmoid(s, s.load_part(x, 0.0));
            let x = s.mul(s.sub(x, s.load_part(y, 0.0)), s.splat(self.scale));
            s.store_part(x, &mut out[..y.len()]);
        }
    }
}

/// Slopes times dropout, 0 where the rectifier cuts.
struct Slope<'a> {
    slopes: &'a [f32],
    units: &'a [f32],
    dropout: Option<&'a [f32]>,
    activation: Activation,
    out: &'a mut [f32],
}

impl Kernel for Slope<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let zero = s.splat(0.0);
        let parts = self.slopes.chunks(LANES).zip(self.units.chunks(LANES));
        for (i, ((x, a), out)) in parts.zip(self.out.chunks_mut(LANES)).enumerate() {
            let mut y = s.load_part(x, 0.0);
            if let Some(dropout) = self.dropout {
                y = s.mul(y, s.load_part(&dropout[i * LANES..][..x.len()], 0.0));
            }
            if self.activation == Activation::Relu {
                y = s.choose(s.load_part(a, 0.0), zero, y, zero);
            }
            s.store_part(y, &mut out[..a.len()]);
        }
    }
}
