//! A step of a program, and where its operands lie.

use super::compiled::Compiled;
use super::shape::Shape;

/// Where an operand lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The input of the program.
    Input,
    /// The output of an operation.
    Value(usize),
    /// A constant.
    Constant(usize),
}
/// An operation that is ready to run.
pub(super) struct Step {
    pub compiled: Compiled,
    pub operands: Vec<Source>,
    pub shape: Shape,
}

/// The operation, what it reads while it runs, and its shape.
pub(super) type Built = (Compiled, Vec<Source>, Shape);
