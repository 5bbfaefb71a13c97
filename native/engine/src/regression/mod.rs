//! Softmax regression with an L2 penalty by Newton's method (SPEC.md, section 10.3). The bits of a fit are those of
//! [`crate::definition::regression`] on any processor.
//!
//! A Newton step is solved by conjugate gradients, which need products with the rows only, never the Hessian itself. These
//! are float32, which is twice as fast: a step need not be exact. The gradient that decides when a fit is one is float64.
//! A block of rows passes through both of its products while it lies in the cache.

mod decisions;
mod evaluate;
mod newton;
mod number;
mod problem;
mod products;
mod step;

pub use decisions::decisions;
pub use newton::Fit;
pub use problem::Regression;
