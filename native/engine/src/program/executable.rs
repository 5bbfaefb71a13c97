//! A program that is ready, and its runs.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

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
    /// True where the images of a batch can be computed one after another.
    pub(super) apart: bool,
    /// Buffers of earlier runs. Images that are computed at the same time have some each.
    pub(super) kept: Mutex<Vec<Buffers>>,
}

/// A buffer for each slot of the plan.
type Buffers = Vec<Vec<f32>>;

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

    /// True where no image's part of the output depends on another image.
    #[must_use]
    pub fn images_apart(&self) -> bool {
        self.apart
    }

    /// The bytes that the buffers of so many images take that are computed at a time, without constants.
    #[must_use]
    pub fn memory(&self, batch: usize) -> usize {
        self.plan.slots.iter().map(|room| 4 * room.at(batch)).sum()
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
    /// Images are computed one after another, on as many threads as there are, where no image's output depends on another
    /// image: the values of one stay in a processor's caches, and no thread waits for another within an image. Fewer images than threads
    /// share the threads. Neither moves a bit.
    ///
    /// # Errors
    ///
    /// [`EngineError::Input`] where the input has another size.
    pub fn run(
        &self,
        engine: &Engine,
        input: &[f32],
        batch: usize,
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
        let mut out = vec![0.0; self.output().elements().at(batch)];
        let alone = if self.apart {
            batch - batch % engine.threads()
        } else {
            0
        };
        let (read, written) = (input.len() / batch, out.len() / batch);
        let (images, together) = out.split_at_mut(alone * written);
        let single = engine.single();
        engine.chunks(images, written, |(): &mut (), i, out| {
            self.run_at_once(&single, &input[i * read..][..read], 1, out);
        });
        if alone < batch {
            self.run_at_once(engine, &input[alone * read..], batch - alone, together);
        }
        Ok(out)
    }

    /// Runs each step over all images of `input`.
    fn run_at_once(&self, engine: &Engine, input: &[f32], batch: usize, to: &mut [f32]) {
        let kept = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = kept().pop();
        let mut buffers = taken.unwrap_or_default();
        buffers.resize_with(self.plan.slots.len(), Vec::new);
        for (i, step) in self.steps.iter().enumerate() {
            if matches!(step.compiled, Compiled::Reshape) {
                continue;
            }
            let slot = self.plan.slot[i];
            let mut out = std::mem::take(&mut buffers[slot]);
            out.resize(step.shape.elements().at(batch), 0.0);
            let operands: Vec<Operand> = step
                .operands
                .iter()
                .map(|source| Operand {
                    data: self.data(*source, input, batch, &buffers),
                    shape: self.shape_of(*source).at(batch),
                })
                .collect();
            step.compiled
                .run(engine, &operands, &step.shape.at(batch), &mut out);
            buffers[slot] = out;
        }
        to.copy_from_slice(self.data(self.output, input, batch, &buffers));
        // What fewer images than threads share is larger, and would stay so.
        if batch == 1 {
            kept().push(buffers);
        }
    }

    fn data<'a>(
        &'a self,
        source: Source,
        input: &'a [f32],
        batch: usize,
        buffers: &'a Buffers,
    ) -> &'a [f32] {
        match self.plan.holder(source) {
            Source::Input => input,
            Source::Constant(i) => &self.constants[&i],
            Source::Value(i) => {
                &buffers[self.plan.slot[i]][..self.steps[i].shape.elements().at(batch)]
            }
        }
    }
}
