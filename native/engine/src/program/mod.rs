//! A backbone as a list of operations with shapes, attributes and digests of its constants.
//!
//! The text is canonical JSON (SPEC.md, section "Canonical JSON"), so that a program has one digest. Numbers in it are
//! integers; a float32 is its bits as 8 hexadecimal digits. SPEC.md, section "Programs", lists the operations.

mod apart;
mod build;
mod compiled;
mod document;
mod executable;
mod inputs;
mod layers;
mod memory;
mod moves;
mod plan;
mod shape;
mod step;

pub use document::{Constant, ConstantType};
pub use executable::Program;
pub use shape::{Dim, Shape};
