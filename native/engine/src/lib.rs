//! Forward passes whose bits are the same on any processor, with any number of threads and any batch.
//!
//! One rule carries it: a sum has one order, and SIMD lanes run across outputs, never along the sum. SPEC.md, section
//! "Exact arithmetic", defines each operation; [`definition`] has the same in plain loops; the other modules are kernels
//! that give the same bits. Images are channels last; all numbers are float32.
//!
//! The crate knows no Python.

pub mod attention;
pub mod conv;
pub mod definition;
mod depthwise;
pub mod elementwise;
mod engine;
pub mod error;
pub mod functions;
pub mod gemm;
pub mod hinge;
pub mod isa;
pub mod movement;
pub mod norms;
pub mod pools;
pub mod program;
pub mod regression;
pub mod shapes;
pub mod sums;
pub mod tables;
pub mod training;

pub use crate::engine::Engine;
pub use crate::error::EngineError;
