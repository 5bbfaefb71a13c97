//! Training of a head on frozen features by AdamW: the linear probe and the traits network (SPEC.md, sections 10.1 and
//! 10.6). A step is a function of its batch alone, and its bits are those of [`crate::definition::training`] on any
//! processor with any number of threads.
//!
//! Both heads are made of [`layer::Layer`]. A batch's rows are read where they lie; one product takes them as rows
//! (features ascending), the other as columns (rows of the batch ascending), so that neither is stored transposed.

mod adamw;
mod batch;
mod columns;
mod layer;
mod linear;
mod traits;

pub use adamw::{AdamW, Factors};
pub use batch::Batch;
pub use linear::LinearHead;
pub use traits::{Activation, TraitsHead};
