//! A backbone as a list of operations with shapes, attributes and digests of its constants.
//!
//! The text is canonical JSON (SPEC.md, section "Canonical JSON"), so that a program has one digest. Numbers in it are
//! integers; a float32 is its bits as 8 hexadecimal digits. SPEC.md, section "Programs", lists the operations.

mod build;
mod compiled;
mod document;
mod inputs;
mod layers;
mod moves;
mod plan;
mod shape;

use std::collections::HashMap;

pub use document::{Constant, ConstantType};
pub use shape::{Dim, Shape};

use crate::engine::Engine;
use crate::error::EngineError;
use crate::isa::environment::Environment;
use compiled::{Compiled, Operand};
use document::Document;
use plan::Plan;

/// Where an operand lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// The input of the program.
    Input,
    /// The output of an operation.
    Value(usize),
    /// A constant.
    Constant(usize),
}

struct Step {
    compiled: Compiled,
    operands: Vec<Source>,
    shape: Shape,
}

/// A program with its constants, ready to run.
pub struct Program {
    text: String,
    digest: String,
    document: Document,
    steps: Vec<Step>,
    /// Constants that operations read as they are.
    constants: HashMap<usize, Vec<f32>>,
    output: Source,
    plan: Plan,
}

/// Memory of a run, which later runs use again.
#[derive(Debug, Default)]
pub struct Workspace {
    slots: Vec<Vec<f32>>,
}

impl Program {
    /// Reads a program; `supply` gives the little-endian bytes of the constant with a digest.
    ///
    /// # Errors
    ///
    /// [`EngineError::Program`] for a text that is none, [`EngineError::Operation`] for an operation that does not fit its
    /// operands, [`EngineError::Constant`] for a constant that is missing or has another digest.
    pub fn read(text: &str, supply: impl Fn(&str) -> Option<Vec<u8>>) -> Result<Self, EngineError> {
        let _environment = Environment::standard();
        let document = Document::parse(text)?;
        build::build(document, supply)
    }

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
