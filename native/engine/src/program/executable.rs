//! A program that is ready, and its runs.

use std::collections::HashMap;

use super::compiled::{Compiled, Operand};
use super::document::Document;
use super::plan::Plan;
use super::shape::Shape;
use super::step::{Source, Step};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::isa::environment::Environment;

/// A program with its constants, ready to run.
pub struct Program {
    pub(super) text: String,
    pub(super) digest: String,
    pub(super) document: Document,
    pub(super) steps: Vec<Step>,
    /// Constants that operations read as they are.
    pub(super) constants: HashMap<usize, Vec<f32>>,
    pub(super) output: Source,
    pub(super) plan: Plan,
}

/// Memory of a run, which later runs use again.
#[derive(Debug, Default)]
pub struct Workspace {
    slots: Vec<Vec<f32>>,
}

impl Program {
    /// The canonical text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// `sha256:` and the digest of the canonical text.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The shape of the input.
    #[must_use]
    pub fn input(&self) -> &Shape {
        &self.document.input
    }

    /// The shape of the output.
    #[must_use]
    pub fn output(&self) -> &Shape {
        self.shape_of(self.output)
    }

    /// The bytes that the buffers of a batch take, without constants.
    #[must_use]
    pub fn memory(&self, batch: usize) -> usize {
        self.plan
            .slots
            .iter()
            .map(|slot| 4 * slot.iter().map(|s| s.at(batch)).max().unwrap_or(0))
            .sum()
    }

    /// The operations in lines that a person can read and compare.
    #[must_use]
    pub fn explain(&self) -> String {
        let mut lines = vec![format!("{} {}", self.digest, self.document.input)];
        for (i, (node, step)) in self.document.nodes.iter().zip(&self.steps).enumerate() {
            lines.push(format!("v{i} {} = {node}", step.shape));
        }
        lines.push(format!(
            "output {} = {}",
            self.output(),
            self.document.output
        ));
        lines.join("\n")
    }

    fn shape_of(&self, source: Source) -> &Shape {
        match source {
            Source::Input => &self.document.input,
            Source::Value(i) => &self.steps[i].shape,
            Source::Constant(i) => &self.document.constants[i].shape,
        }
    }

    /// The output for a batch of `batch` rows.
    ///
    /// # Errors
    ///
    /// [`EngineError::Input`] where the input has another size.
    pub fn run(
        &self,
        engine: &Engine,
        input: &[f32],
        batch: usize,
        workspace: &mut Workspace,
    ) -> Result<Vec<f32>, EngineError> {
        let expected = self.document.input.elements().at(batch);
        if input.len() != expected || batch == 0 {
            return Err(EngineError::Input(format!(
                "{} numbers for a batch of {batch}, not {expected} ({})",
                input.len(),
                self.document.input
            )));
        }
        let _environment = Environment::standard();
        workspace.slots.resize_with(self.plan.slots.len(), Vec::new);
        for (i, step) in self.steps.iter().enumerate() {
            if matches!(step.compiled, Compiled::Reshape) {
                continue;
            }
            let slot = self.plan.slot[i];
            let mut out = std::mem::take(&mut workspace.slots[slot]);
            out.resize(step.shape.elements().at(batch), 0.0);
            let operands: Vec<Operand> = step
                .operands
                .iter()
                .map(|source| Operand {
                    data: self.data(*source, input, batch, workspace),
                    shape: self.shape_of(*source).at(batch),
                })
                .collect();
            step.compiled
                .run(engine, &operands, &step.shape.at(batch), &mut out);
            workspace.slots[slot] = out;
        }
        Ok(self.data(self.output, input, batch, workspace).to_vec())
    }

    fn data<'a>(
        &'a self,
        source: Source,
        input: &'a [f32],
        batch: usize,
        workspace: &'a Workspace,
    ) -> &'a [f32] {
        match source {
            Source::Input => input,
            Source::Constant(i) => &self.constants[&i],
            // A reshape reads the buffer of what it reshapes.
            Source::Value(i) if matches!(self.steps[i].compiled, Compiled::Reshape) => {
                self.data(self.steps[i].operands[0], input, batch, workspace)
            }
            Source::Value(i) => {
                &workspace.slots[self.plan.slot[i]][..self.steps[i].shape.elements().at(batch)]
            }
        }
    }
}
