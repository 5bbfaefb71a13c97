//! A linear layer under training, in panels of columns: a panel's share of the gradient and its step are one task.

use super::adamw::Parameters;
use super::batch::{Batch, Padded};
use super::columns::{add, gather, DEPTH};
use crate::engine::Engine;
use crate::gemm::{Line, Packed};
use crate::isa::{Isa, Kernel, Simd, LANES};

/// Columns of a panel at most: what a task reads of the other factor is read once for all of them.
const WIDEST: usize = 128;

/// Some columns of the weight, row by row, with moments and gradient.
#[derive(Clone, Debug)]
pub(super) struct Panel {
    pub weight: Parameters,
    pub gradient: Vec<f32>,
    /// The first column.
    pub first: usize,
    /// How many columns there are, and with those of zeros that make whole groups.
    pub count: usize,
    pub width: usize,
}

/// A weight (outputs, inputs).
#[derive(Clone, Debug)]
pub(super) struct Layer {
    pub panels: Vec<Panel>,
    pub outputs: usize,
    pub inputs: usize,
}

/// Scratch of a task over panels.
pub(super) type Scratch = Vec<Line>;

impl Layer {
    pub fn new(engine: &Engine, weight: &[f32], outputs: usize, inputs: usize) -> Self {
        let share = inputs.div_ceil(2 * engine.threads());
        let size = share.next_multiple_of(2 * LANES).min(WIDEST);
        let panels = (0..inputs).step_by(size).map(|first| {
            let count = size.min(inputs - first);
            let width = count.next_multiple_of(LANES);
            Panel {
                weight: Parameters::zeros(outputs * width),
                gradient: vec![0.0; outputs * width],
                first,
                count,
                width,
            }
        });
        let mut layer = Self {
            panels: panels.collect(),
            outputs,
            inputs,
        };
        layer.put(0, weight);
        layer
    }

    /// Copies list 0 (the weight), 1 or 2 (its moments) row by row.
    pub fn get(&self, list: usize, to: &mut [f32]) {
        for panel in &self.panels {
            let from = panel.weight.lists()[list].chunks(panel.width);
            for (row, to) in from.zip(to.chunks_mut(self.inputs)) {
                to[panel.first..panel.first + panel.count].copy_from_slice(&row[..panel.count]);
            }
        }
    }

    /// Sets list 0, 1 or 2.
    pub fn put(&mut self, list: usize, from: &[f32]) {
        let inputs = self.inputs;
        for panel in &mut self.panels {
            let (first, count, width) = (panel.first, panel.count, panel.width);
            let [values, one, two] = panel.weight.lists_mut();
            let to = [values, one, two][list].chunks_mut(width);
            for (to, row) in to.zip(from.chunks(inputs)) {
                to[..count].copy_from_slice(&row[first..first + count]);
            }
        }
    }

    /// Packs the transpose, each column times its `scale`; `offset` becomes the chains of the weight's rows with `shift`.
    pub fn pack(&self, engine: &Engine, scaled: Option<Scaled>, packed: &mut Packed) {
        let mut none = Vec::new();
        let (factors, offset) = match scaled {
            Some(Scaled {
                scale,
                shift,
                offset,
            }) => (Some((scale, shift)), offset),
            None => {
                none.resize(self.outputs, 0.0);
                (None, &mut none[..])
            }
        };
        let mut parts: Vec<_> = packed.panels_mut().zip(offset.chunks_mut(LANES)).collect();
        engine.chunks(&mut parts, 1, |_: &mut (), i, part| {
            let (lines, offset) = &mut part[0];
            engine.isa().run(Pack {
                layer: self,
                first: i * LANES,
                factors,
                lines,
                offset,
            });
        });
    }

    /// Packs the weight as it is: outputs are the depth.
    pub fn pack_plain(&self, packed: &mut Packed) {
        let groups = self
            .panels
            .iter()
            .flat_map(|panel| (0..panel.width / LANES).map(move |g| (panel, g)));
        for ((panel, g), lines) in groups.zip(packed.panels_mut()) {
            for (row, line) in panel.weight.values.chunks(panel.width).zip(lines) {
                line.0.copy_from_slice(&row[g * LANES..(g + 1) * LANES]);
            }
        }
    }
}

/// What the columns of a packed weight are multiplied by.
pub(super) struct Scaled<'a> {
    pub scale: &'a [f32],
    pub shift: &'a [f32],
    pub offset: &'a mut [f32],
}

struct Pack<'a> {
    layer: &'a Layer,
    first: usize,
    factors: Option<(&'a [f32], &'a [f32])>,
    lines: &'a mut [Line],
    offset: &'a mut [f32],
}

impl Kernel for Pack<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let rows = LANES.min(self.layer.outputs - self.first);
        let mut total = s.splat(0.0);
        let mut block = [[0.0; LANES]; LANES];
        for panel in &self.layer.panels {
            let weight = &panel.weight.values[self.first * panel.width..][..rows * panel.width];
            for g in 0..panel.width / LANES {
                let count = LANES.min(panel.count - g * LANES);
                for (row, to) in weight.chunks_exact(panel.width).zip(&mut block) {
                    to.copy_from_slice(&row[g * LANES..(g + 1) * LANES]);
                }
                let from = panel.first + g * LANES;
                for (j, line) in self.lines[from..from + count].iter_mut().enumerate() {
                    for (x, row) in line.0.iter_mut().zip(&block) {
                        *x = row[j];
                    }
                    if let Some((scale, shift)) = self.factors {
                        let w = s.load(&line.0);
                        total = s.fma(w, s.splat(shift[from + j]), total);
                        s.store(s.mul(w, s.splat(scale[from + j])), &mut line.0);
                    }
                }
            }
        }
        s.store_part(total, self.offset);
    }
}

impl Panel {
    /// Sets the gradient: for each output and column the chain over the rows of the batch.
    pub fn chains(&mut self, isa: Isa, residual: &Padded, batch: &Batch, scratch: &mut Scratch) {
        scratch.resize(DEPTH * (self.width / LANES + 1), Line::ZERO);
        isa.run(Chains {
            panel: self,
            residual,
            batch,
            scratch,
        });
    }
}

struct Chains<'a, 'b> {
    panel: &'a mut Panel,
    residual: &'a Padded,
    batch: &'a Batch<'b>,
    scratch: &'a mut Scratch,
}

impl Kernel for Chains<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (first, width) = (self.panel.first, self.panel.width);
        let (lines, few) = self.scratch.split_at_mut(DEPTH * width / LANES);
        let mut k = 0;
        while k < self.batch.count() {
            let depth = DEPTH.min(self.batch.count() - k);
            gather(self.batch, k..k + depth, first, width, lines);
            let left = &self.residual.values[k * self.residual.stride..];
            add(
                s,
                (left, self.residual.stride, self.residual.width),
                (lines, few, depth),
                &mut self.panel.gradient,
                width,
                k == 0,
            );
            k += depth;
        }
    }
}
