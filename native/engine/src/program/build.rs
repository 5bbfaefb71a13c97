//! From the text of a program to operations with packed constants; every shape is computed and compared with the text.

use std::collections::HashMap;
use std::sync::Mutex;

use super::apart::images_apart;
use super::compiled::Compiled;
use super::document::{sha256, ConstantType, Document};
use super::executable::Program;
use super::inputs::{ensure, Checked, Inputs};
use super::layers::{attention, conv, linear, matmul, norm, pool};
use super::moves::{binary, movement, reduce};
use super::plan::Plan;
use super::step::{Built, Source, Step};
use crate::elementwise::Binary;
use crate::error::EngineError;
use crate::functions::Function;
use crate::isa::environment::Environment;

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
        build(document, supply)
    }
}

fn build(
    document: Document,
    supply: impl Fn(&str) -> Option<Vec<u8>>,
) -> Result<Program, EngineError> {
    let bytes = |i: usize| -> Checked<Vec<u8>> {
        let constant = &document.constants[i];
        let bytes = supply(&constant.digest).ok_or("is not there")?;
        let size = if constant.element == ConstantType::Float32 {
            4
        } else {
            8
        };
        let expected = constant.shape.elements().factor * size;
        ensure(bytes.len() == expected, || {
            format!("has {} bytes, not {expected}", bytes.len())
        })?;
        ensure(sha256(&bytes) == constant.digest, || {
            format!("has the digest {}", sha256(&bytes))
        })?;
        Ok(bytes)
    };
    let floats = |i: usize| -> Checked<Vec<f32>> {
        let right = document.constants[i].element == ConstantType::Float32;
        ensure(right, || format!("c{i} must be of float32"))?;
        let bytes = bytes(i).map_err(|reason| format!("constant c{i} {reason}"))?;
        Ok(bytes
            .as_chunks()
            .0
            .iter()
            .map(|word| f32::from_le_bytes(*word))
            .collect())
    };
    let indices = |i: usize| -> Checked<Vec<usize>> {
        let right = document.constants[i].element == ConstantType::Int64;
        ensure(right, || format!("c{i} must be of int64"))?;
        let bytes = bytes(i).map_err(|reason| format!("constant c{i} {reason}"))?;
        let words = bytes
            .as_chunks()
            .0
            .iter()
            .map(|word| i64::from_le_bytes(*word));
        words
            .map(|n| usize::try_from(n).map_err(|_| format!("c{i} holds the index {n}")))
            .collect()
    };
    let mut steps: Vec<Step> = Vec::new();
    for (i, node) in document.nodes.iter().enumerate() {
        let shapes = |source: Source| match source {
            Source::Input => document.input.clone(),
            Source::Value(i) => steps[i].shape.clone(),
            Source::Constant(i) => document.constants[i].shape.clone(),
        };
        let inputs = Inputs::new(node, &shapes, &floats, &indices);
        let built = operation(&inputs).and_then(|built| {
            inputs.all_asked()?;
            ensure(built.2 == node.shape, || {
                format!("gives {}, the text says {}", built.2, node.shape)
            })?;
            Ok(built)
        });
        let (compiled, operands, shape) = built.map_err(|reason| EngineError::Operation {
            index: i,
            name: node.name.clone(),
            reason,
        })?;
        steps.push(Step {
            compiled,
            operands,
            shape,
        });
    }
    let mut constants = HashMap::new();
    let read = steps
        .iter()
        .flat_map(|s| &s.operands)
        .chain(std::iter::once(&document.output));
    for source in read {
        if let Source::Constant(i) = source {
            if !constants.contains_key(i) {
                let failed = |reason| EngineError::Constant {
                    name: format!("c{i}"),
                    reason,
                };
                constants.insert(*i, floats(*i).map_err(failed)?);
            }
        }
    }
    let plan = Plan::new(&steps, document.output);
    let apart = images_apart(&document, &steps);
    let (text, digest) = document.canonical();
    let output = document.output;
    Ok(Program {
        text,
        digest,
        document,
        steps,
        constants,
        output,
        plan,
        apart,
        kept: Mutex::default(),
    })
}

fn operation(i: &Inputs) -> Checked<Built> {
    if let Some(function) = Function::named(i.name()).filter(|f| *f != Function::Identity) {
        let x = i.source("x")?;
        return Ok((Compiled::Map(function), vec![x], i.shape(x)));
    }
    match i.name() {
        "linear" => linear(i),
        "matmul" => matmul(i),
        "conv2d" => conv(i),
        "batch_norm" | "layer_norm" | "rms_norm" | "group_norm" | "softmax" => norm(i),
        "attention" => attention(i),
        "add" => binary(i, Binary::Add),
        "sub" => binary(i, Binary::Sub),
        "mul" => binary(i, Binary::Mul),
        "div" => binary(i, Binary::Div),
        "mean" | "amax" => reduce(i),
        "max_pool2d" | "avg_pool2d" | "adaptive_avg_pool2d" => pool(i),
        "concatenate" | "slice" | "reshape" | "permute" | "expand" | "pad" | "gather" => {
            movement(i)
        }
        other => Err(format!("no operation is called {other:?}")),
    }
}
