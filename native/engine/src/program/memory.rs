//! The memory that constants take, known before one is read.

use std::collections::BTreeSet;

use super::document::{Constant, ConstantType, Document, Node};
use super::executable::Program;
use super::step::Source;
use crate::error::EngineError;
use crate::isa::LANES;

/// Copies of a constant that are there while it is read: the caller's, ours, its numbers, and what an operation makes of them.
const COPIES: usize = 4;

impl Program {
    /// The bytes that the constants of a program take while it is read and afterwards. A constant is held once by each operation
    /// that packs it, with its columns filled up to whole lanes, which can be many times the bytes of a file.
    ///
    /// # Errors
    ///
    /// [`EngineError::Program`] for a text that is none.
    pub fn constants_memory(text: &str) -> Result<usize, EngineError> {
        let document = Document::parse(text)?;
        let mut operands = BTreeSet::new();
        let mut sum = 0usize;
        for node in &document.nodes {
            for (name, sources) in &node.inputs {
                for source in sources {
                    let Source::Constant(i) = source else {
                        continue;
                    };
                    if packed(node, name) {
                        sum = sum.saturating_add(held(node, name, &document.constants[*i]));
                    } else {
                        operands.insert(*i);
                    }
                }
            }
        }
        let once = operands.iter().map(|i| size(&document.constants[*i]));
        let largest = document.constants.iter().map(size).max().unwrap_or(0);
        Ok(once.fold(sum.saturating_add(COPIES * largest), usize::saturating_add))
    }
}

/// True for what an operation keeps a copy of; everything else is an operand, and there once.
fn packed(node: &Node, name: &str) -> bool {
    match name {
        "weight" | "mean" | "variance" | "indices" => true,
        "bias" => node.name != "attention",
        _ => false,
    }
}

fn size(constant: &Constant) -> usize {
    let bytes = match constant.element {
        ConstantType::Float32 => 4,
        ConstantType::Int64 => 8,
    };
    bytes * constant.shape.elements().factor
}

/// The bytes of a constant as an operation holds it.
fn held(node: &Node, name: &str, constant: &Constant) -> usize {
    let sizes = constant.shape.at(1);
    let (Some(outputs), true) = (sizes.first(), name == "weight") else {
        return size(constant);
    };
    let groups = match (node.name.as_str(), node.attributes.get("groups")) {
        ("linear", _) => 1,
        ("conv2d", Some(groups)) => groups.as_u64().map_or(1, |n| (n as usize).max(1)),
        _ => return size(constant),
    };
    // One channel each: the taps as they are.
    if groups == *outputs && sizes.get(1) == Some(&1) {
        return size(constant);
    }
    let depth: usize = sizes[1..].iter().product();
    let columns = outputs.div_ceil(groups).next_multiple_of(LANES);
    groups.saturating_mul(columns).saturating_mul(4 * depth)
}
